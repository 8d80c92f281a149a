// Reads {name: html} as JSON, writes [[name, rule, line, message]] as JSON: npm's html-validate
// with the settings that fit mail.
import { readFileSync } from "node:fs";
import { HtmlValidate } from "html-validate";

const validator = new HtmlValidate({
  extends: ["html-validate:recommended"],
  rules: {
    // Many clients drop style sheets: our own is written into the elements when a template loads.
    "no-inline-style": "off",
    // Outlook on Windows reads these comments, and no max-width: the table in them sets 640 pixels.
    "no-conditional-comment": "off",
    // Clients drop <article>; the role on a div stays.
    "prefer-native-element": ["error", { exclude: ["article"] }],
    // Outlook on Windows lays tables out by these attributes; the test lets no others pass.
    "no-deprecated-attr": "error",
  },
});
const found = [];
for (const [name, html] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) {
  const report = await validator.validateString(html);
  for (const result of report.results)
    for (const { ruleId, line, message } of result.messages) found.push([name, ruleId, line, message]);
}
process.stdout.write(JSON.stringify(found));
