"""What people read: tables on stderr, the curve as a picture, one page of HTML."""
