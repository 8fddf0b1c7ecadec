"""From the columns and values of a source to fields and the values that they take. Knows no entity."""
