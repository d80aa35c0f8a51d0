-- What `../sqlite` says of it.

UPDATE differences SET forms = NULL;

DELETE FROM noise;
