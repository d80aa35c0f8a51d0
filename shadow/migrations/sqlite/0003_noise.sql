-- Requests whose differences were all noise or excused, and those of them that had a difference.

ALTER TABLE routes      ADD COLUMN noise INTEGER NOT NULL DEFAULT 0;
ALTER TABLE differences ADD COLUMN noise INTEGER NOT NULL DEFAULT 0;
ALTER TABLE epochs      ADD COLUMN noise INTEGER NOT NULL DEFAULT 0;
