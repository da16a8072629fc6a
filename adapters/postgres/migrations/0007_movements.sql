-- What an inquiry for the last movements reads, and whoever asks about one account.

-- Ordered by seq within an account, so that the last rows of an account are found without reading the others.
CREATE INDEX journal_account ON journal (shard, account, seq);
