"""The rows of the authorization table, one file per noun: whom each route lets in."""
