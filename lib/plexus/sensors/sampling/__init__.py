"""When sensors are read, and what becomes of what they give before it is sent."""
