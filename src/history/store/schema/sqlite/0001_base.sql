-- The history of a project's tests.
--
-- Prints are 16 bytes (XXH3-128, big-endian). Moments are milliseconds since 1970-01-01 UTC. Statuses: 0 passed,
-- 1 failed, 2 errored, 3 skipped, 4 disabled. Null is "not known" everywhere.

-- What the store says of itself.
CREATE TABLE meta (
  name TEXT PRIMARY KEY,              -- `generation`: raised whenever rows are taken out; `readable_by`: the lowest schema version whose programs may read this store
  value INTEGER NOT NULL              -- the value
) WITHOUT ROWID, STRICT;

-- One test, as its reports name it. Each part is empty where the producer has none.
CREATE TABLE test (
  id INTEGER PRIMARY KEY,             -- number within this store
  print BLOB NOT NULL UNIQUE,         -- print of all parts
  file TEXT NOT NULL,                 -- the file, where class and name do not tell the test apart without it
  suite TEXT NOT NULL,                -- suites around it, outermost first, U+001E between them
  class TEXT NOT NULL,                -- class, module, package or binary
  name TEXT NOT NULL,                 -- function or title
  params TEXT NOT NULL                -- parameters, without brackets
) STRICT;

-- What sets executions of one test apart: browser, operating system, worker. Number 0 is "nothing".
CREATE TABLE variant (
  id INTEGER PRIMARY KEY,             -- number within this store
  pairs TEXT NOT NULL UNIQUE          -- `key=value;key=value`, sorted by key
) STRICT;

-- A test in a variant: what rosters are made of.
CREATE TABLE series (
  id INTEGER PRIMARY KEY,             -- number within this store
  test INTEGER NOT NULL REFERENCES test (id),       -- the test
  variant INTEGER NOT NULL REFERENCES variant (id), -- the variant
  UNIQUE (test, variant)
) STRICT;

-- A set of series, shared by all chunks that report exactly these.
CREATE TABLE roster (
  id INTEGER PRIMARY KEY,             -- number within this store
  print BLOB NOT NULL UNIQUE,         -- sum of the prints of its members, whatever their order
  size INTEGER NOT NULL,              -- how many members
  members BLOB NOT NULL,              -- the series numbers, sorted (codec `roster`)
  usual BLOB NOT NULL                 -- their usual durations, one byte each (codec `roster`); blocks keep the difference
) STRICT;

-- An order of execution of a roster, shared by all chunks that ran in it.
CREATE TABLE ordering (
  id INTEGER PRIMARY KEY,             -- number within this store
  print BLOB NOT NULL UNIQUE,         -- print of the sequence of prints
  roster INTEGER NOT NULL REFERENCES roster (id),   -- whose positions are put in order
  steps BLOB NOT NULL                 -- positions, first executed first (codec `roster`)
) STRICT;

-- One execution of a test command; its jobs, shards and tries are its parts.
CREATE TABLE run (
  id INTEGER PRIMARY KEY,             -- number within this store
  print BLOB NOT NULL UNIQUE          -- print of pipeline and run id; of the part, where a part is a run of its own
) STRICT;

-- What one job (or shard, or try) reported: whole, or not there.
CREATE TABLE part (
  id INTEGER PRIMARY KEY,             -- number within this store, growing with every part that is stored
  run INTEGER NOT NULL REFERENCES run (id),         -- the run it belongs to
  key BLOB NOT NULL UNIQUE,           -- print of its sources; of its contents, where it has none. One part a key
  print BLOB NOT NULL,                -- print of its contents as they were when it was stored
  kept INTEGER NOT NULL,              -- 0: everything; 1: outcomes only, without durations, order, messages
  start INTEGER,                      -- when it began, as its reports say
  stored INTEGER NOT NULL,            -- when it was stored
  duration REAL,                      -- how long it took as a whole, in seconds
  results INTEGER NOT NULL,           -- how many results
  ran INTEGER NOT NULL,               -- passed, failed or errored
  bad INTEGER NOT NULL,               -- failed or errored in the end
  flaky INTEGER NOT NULL,             -- passed after a bad attempt
  skipped INTEGER NOT NULL,           -- skipped or disabled
  complete INTEGER NOT NULL,          -- 1: no report was cut off or lost
  in_order INTEGER NOT NULL,          -- 1: the order of the results is the order of execution
  errors_outside INTEGER NOT NULL,    -- errors that belong to no test
  producer TEXT NOT NULL,             -- who wrote the reports
  commit_id TEXT,                     -- the commit under test
  branch TEXT,                        -- the branch under test
  pipeline TEXT,                      -- the pipeline or workflow
  run_id TEXT,                        -- the run of the pipeline at its provider
  job TEXT,                           -- the job
  attempt INTEGER,                    -- which try of the job, from 1
  shard TEXT,                         -- which shard of the job
  attributes TEXT NOT NULL            -- everything else, as a JSON object
) STRICT;
CREATE INDEX part_by_commit ON part (commit_id) WHERE commit_id IS NOT NULL;
CREATE INDEX part_by_run ON part (run);

-- A report that a part was read from.
CREATE TABLE source (
  print BLOB NOT NULL,                -- print of its contents (with the run's id, where the report does not say when it ran)
  part INTEGER NOT NULL REFERENCES part (id),       -- the part
  name TEXT NOT NULL,                 -- the name it was given under
  bytes INTEGER NOT NULL,             -- size, after decompression
  PRIMARY KEY (print, part)
) WITHOUT ROWID, STRICT;
CREATE INDEX source_by_part ON source (part);

-- A window of a part's results.
CREATE TABLE chunk (
  id INTEGER PRIMARY KEY,             -- number of the part times 65536, plus number of the window, from 0
  roster INTEGER NOT NULL REFERENCES roster (id),   -- which series it reports
  ordering INTEGER REFERENCES ordering (id),        -- in which order they ran; null where not known, or thinned
  block BLOB NOT NULL                 -- outcomes (codec `block`)
) STRICT;

-- A text of a failure, shared by all failures that say the same.
CREATE TABLE text (
  id INTEGER PRIMARY KEY,             -- number within this store
  print BLOB NOT NULL UNIQUE,         -- print of the text
  size INTEGER NOT NULL,              -- bytes of the text
  packed INTEGER NOT NULL,            -- 1: compressed with zstd
  body BLOB NOT NULL                  -- the text
) STRICT;

-- What went wrong in one attempt, and attempts before the last. An attempt without a failure is one row without texts.
CREATE TABLE detail (
  part INTEGER NOT NULL REFERENCES part (id),       -- the part
  series INTEGER NOT NULL REFERENCES series (id),   -- the series
  attempt INTEGER NOT NULL,           -- 0: the last attempt; 1, 2, …: those before it, in order
  nr INTEGER NOT NULL,                -- number of the failure within the attempt, from 0
  status INTEGER,                     -- how the attempt ended; null for the last (its block says)
  duration INTEGER,                   -- how long it took, as a code of the scale; null for the last
  start INTEGER,                      -- when it began; null for the last
  kind INTEGER REFERENCES text (id),  -- type of the failure: an exception class
  message INTEGER REFERENCES text (id), -- its message
  stack INTEGER REFERENCES text (id), -- its stack or longer text
  PRIMARY KEY (part, series, attempt, nr)
) WITHOUT ROWID, STRICT;

-- A test that goes on under another name. Stored results are never rewritten; reading follows the link.
CREATE TABLE rename (
  old INTEGER PRIMARY KEY REFERENCES test (id),     -- the name it had
  new INTEGER NOT NULL REFERENCES test (id)         -- the name it has
) STRICT;

-- What a day on a branch came to, for every series: counts are made from parts, durations outlive them.
CREATE TABLE rollup (
  day INTEGER NOT NULL,               -- day (UTC), 0 is 1970-01-01
  branch TEXT NOT NULL,               -- the branch; empty where not known
  fresh INTEGER NOT NULL,             -- 1: made from all parts of the day; 0: parts came since
  block BLOB,                         -- counts and durations per series (codec `rollup`); null where never made
  PRIMARY KEY (day, branch)
) WITHOUT ROWID, STRICT;
