-- A body of more than a page goes out of line; a smaller one stays in its row, and none is compressed. Bodies that could not go
-- out of line were refused where their row did not fit into a page, and with them all that was appended together.
DO $$ BEGIN
  FOR n IN 0..3 LOOP
    EXECUTE format('ALTER TABLE relay.records_%1$s ALTER COLUMN body SET STORAGE EXTERNAL, SET (toast_tuple_target = 8160)', n);
  END LOOP;
END $$;
