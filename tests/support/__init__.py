"""What the tests share: real servers, real databases, real people."""
