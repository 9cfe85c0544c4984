"""The way from a program to the embedded AWS. It knows nothing of this provider.

embedded_aws  starts a server for the time of a block, and makes clients for it
direction     scripts faults and reads the call log of a running server
stacks        drives stacks to their end, and sees what is in force beside them
keys          KMS keys with the policies that CloudWatch Logs needs
server        the server's process
detached      one server that outlives the program
"""
