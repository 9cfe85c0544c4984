"""What people use today, written as its users write it or installed as they install it; none of it is shipped."""
