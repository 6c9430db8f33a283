"""What `watchkeeper policy` knows of policies beyond whether they can be read: what is unwise, dear, or usual."""
