-- How far apart two numbers were was kept as it is, from which one of them may be told. What values
-- have in common is found out anew.

UPDATE differences SET forms = NULL;

DELETE FROM noise;
