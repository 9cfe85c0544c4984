"""The embedded AWS and what is done with it.

emulator  MiniStack with what it lacks of AWS put around it; runs in the server's process
client    starts, stops, directs and asks that server; may import the values that the emulator takes and gives
demo      this provider on it; may import both
"""
