-- A ledger for verifyd's epoch roots, PostgreSQL 12 and newer. Hashes are 32 bytes. One database may hold
-- several ledgers: audience and pool name one.
CREATE TABLE IF NOT EXISTS verifyd_ledger (
  audience  BYTEA NOT NULL CHECK (length(audience) = 32),
  pool      BYTEA NOT NULL CHECK (length(pool) = 32),
  policy    BYTEA NOT NULL CHECK (length(policy) = 32), -- digest of the scoring policy in force
  signers   BYTEA NOT NULL,                             -- body of the signer set in force
  epoch_growth BIGINT NOT NULL CHECK (epoch_growth > 0), -- the most by which one root may raise the epoch
  paid      NUMERIC(39) NOT NULL DEFAULT 0,             -- sum of all accounts
  PRIMARY KEY (audience, pool)
);
CREATE TABLE IF NOT EXISTS verifyd_former_set (
  audience BYTEA NOT NULL, pool BYTEA NOT NULL,
  number   BIGINT NOT NULL,
  signers  BYTEA NOT NULL,
  PRIMARY KEY (audience, pool, number),
  FOREIGN KEY (audience, pool) REFERENCES verifyd_ledger
);
CREATE TABLE IF NOT EXISTS verifyd_revocation (
  audience BYTEA NOT NULL, pool BYTEA NOT NULL,
  target   BYTEA NOT NULL CHECK (length(target) = 32), -- digest of the statement that was taken back
  envelope BYTEA NOT NULL,
  PRIMARY KEY (audience, pool, target),
  FOREIGN KEY (audience, pool) REFERENCES verifyd_ledger
);
-- The accepted epoch roots. The one that pays is the good one of the highest epoch.
CREATE TABLE IF NOT EXISTS verifyd_epoch (
  audience BYTEA NOT NULL, pool BYTEA NOT NULL,
  digest   BYTEA NOT NULL CHECK (length(digest) = 32), -- SHA-256 of the body
  epoch    BIGINT NOT NULL CHECK (epoch > 0),
  body     BYTEA NOT NULL CHECK (length(body) = 320),
  envelope BYTEA NOT NULL,
  good     BOOLEAN NOT NULL, -- false once it was taken back
  PRIMARY KEY (audience, pool, digest),
  FOREIGN KEY (audience, pool) REFERENCES verifyd_ledger
);
CREATE UNIQUE INDEX IF NOT EXISTS verifyd_good_epoch ON verifyd_epoch (audience, pool, epoch) WHERE good;
CREATE TABLE IF NOT EXISTS verifyd_account (
  audience BYTEA NOT NULL, pool BYTEA NOT NULL,
  account  BYTEA NOT NULL CHECK (length(account) = 32),
  units    NUMERIC(39) NOT NULL CHECK (units > 0), -- credited in all
  PRIMARY KEY (audience, pool, account),
  FOREIGN KEY (audience, pool) REFERENCES verifyd_ledger
);
-- The journal: rows are only ever added, and add up to verifyd_account.
CREATE TABLE IF NOT EXISTS verifyd_credit (
  audience BYTEA NOT NULL, pool BYTEA NOT NULL,
  account  BYTEA NOT NULL,
  root     BYTEA NOT NULL, -- digest of the epoch root that it was paid on
  units    NUMERIC(39) NOT NULL CHECK (units > 0),
  detail   BYTEA NOT NULL CHECK (length(detail) = 32), -- digest of the contribution that raised the total
  PRIMARY KEY (audience, pool, account, root),
  FOREIGN KEY (audience, pool, root) REFERENCES verifyd_epoch
);
