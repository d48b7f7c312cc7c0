"""The replay memory: slots in linked lists, and the free list."""
