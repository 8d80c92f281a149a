"""Every kind of mail with invented content, for whoever writes templates; and the tests."""
