-- A ledger for verifyd's epoch roots, SQLite 3.37 and newer. Hashes are 32 bytes, units decimal text because
-- they have up to 128 bits. One database may hold several ledgers: audience and pool name one.
CREATE TABLE IF NOT EXISTS verifyd_ledger (
  audience  BLOB NOT NULL CHECK (length(audience) = 32),
  pool      BLOB NOT NULL CHECK (length(pool) = 32),
  policy    BLOB NOT NULL CHECK (length(policy) = 32), -- digest of the scoring policy in force
  signers   BLOB NOT NULL,                             -- body of the signer set in force
  epoch_growth INTEGER NOT NULL CHECK (epoch_growth > 0), -- the most by which one root may raise the epoch
  paid      TEXT NOT NULL DEFAULT '0',             -- sum of all accounts
  PRIMARY KEY (audience, pool)
) STRICT;
CREATE TABLE IF NOT EXISTS verifyd_former_set (
  audience BLOB NOT NULL, pool BLOB NOT NULL,
  number   INTEGER NOT NULL,
  signers  BLOB NOT NULL,
  PRIMARY KEY (audience, pool, number),
  FOREIGN KEY (audience, pool) REFERENCES verifyd_ledger
) STRICT;
CREATE TABLE IF NOT EXISTS verifyd_revocation (
  audience BLOB NOT NULL, pool BLOB NOT NULL,
  target   BLOB NOT NULL CHECK (length(target) = 32), -- digest of the statement that was taken back
  envelope BLOB NOT NULL,
  PRIMARY KEY (audience, pool, target),
  FOREIGN KEY (audience, pool) REFERENCES verifyd_ledger
) STRICT;
-- The accepted epoch roots. The one that pays is the good one of the highest epoch.
CREATE TABLE IF NOT EXISTS verifyd_epoch (
  audience BLOB NOT NULL, pool BLOB NOT NULL,
  digest   BLOB NOT NULL CHECK (length(digest) = 32), -- SHA-256 of the body
  epoch    INTEGER NOT NULL CHECK (epoch > 0),
  body     BLOB NOT NULL CHECK (length(body) = 320),
  envelope BLOB NOT NULL,
  good     INTEGER NOT NULL CHECK (good IN (0, 1)), -- false once it was taken back
  PRIMARY KEY (audience, pool, digest),
  FOREIGN KEY (audience, pool) REFERENCES verifyd_ledger
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS verifyd_good_epoch ON verifyd_epoch (audience, pool, epoch) WHERE good;
CREATE TABLE IF NOT EXISTS verifyd_account (
  audience BLOB NOT NULL, pool BLOB NOT NULL,
  account  BLOB NOT NULL CHECK (length(account) = 32),
  units    TEXT NOT NULL CHECK (units NOT IN ('', '0') AND units NOT GLOB '*[^0-9]*'), -- credited in all
  PRIMARY KEY (audience, pool, account),
  FOREIGN KEY (audience, pool) REFERENCES verifyd_ledger
) STRICT;
-- The journal: rows are only ever added, and add up to verifyd_account.
CREATE TABLE IF NOT EXISTS verifyd_credit (
  audience BLOB NOT NULL, pool BLOB NOT NULL,
  account  BLOB NOT NULL,
  root     BLOB NOT NULL, -- digest of the epoch root that it was paid on
  units    TEXT NOT NULL CHECK (units NOT IN ('', '0') AND units NOT GLOB '*[^0-9]*'),
  detail   BLOB NOT NULL CHECK (length(detail) = 32), -- digest of the contribution that raised the total
  PRIMARY KEY (audience, pool, account, root),
  FOREIGN KEY (audience, pool, root) REFERENCES verifyd_epoch
) STRICT;
