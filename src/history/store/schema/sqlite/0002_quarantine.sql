-- A stay of a test in quarantine. The file `quarantine.toml` decides; this is what it said whenever somebody looked.
CREATE TABLE quarantine (
  id INTEGER PRIMARY KEY,             -- number within this store
  test INTEGER NOT NULL REFERENCES test (id),       -- the test
  variant INTEGER NOT NULL REFERENCES variant (id), -- in which variant only; 0 for all
  since INTEGER NOT NULL,             -- the day it came (UTC), 0 is 1970-01-01
  until INTEGER NOT NULL,             -- the last day it may stay, as said last
  owner TEXT,                         -- who answers for it
  reason TEXT NOT NULL,               -- why it came
  link TEXT,                          -- where it is being dealt with
  ran INTEGER NOT NULL,               -- results before it came
  flaked REAL NOT NULL,               -- of these, failed without cause
  rate REAL NOT NULL,                 -- the rate at which it failed without cause when it came, 0 to 1
  seconds REAL,                       -- how long it took when it came, in seconds
  entered INTEGER NOT NULL,           -- when this store learnt that it is in
  gone INTEGER,                       -- when this store learnt that it is out; null while it is in
  why TEXT,                           -- why it left; null while it is in
  UNIQUE (test, variant, since)
) STRICT;
