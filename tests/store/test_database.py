def test_smoke(database):
    database.upgrade()
    database.check_schema()
    assert not database.is_empty()
