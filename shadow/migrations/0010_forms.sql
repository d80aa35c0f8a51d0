-- What the values of a difference have in common, for the rules that are suggested: JSON, no values.

ALTER TABLE differences ADD COLUMN forms TEXT;
