"""Stage 2: one module for each rule over one subject's signals. `catalogue` lists them."""
