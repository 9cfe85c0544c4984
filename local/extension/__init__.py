"""What MiniStack lacks of AWS, wrapped around it. Runs in the server's process only.

__main__            checks the seams, installs the rest, runs MiniStack
seams               every private name of MiniStack that is replaced here, and why
wire                requests and responses of AWS's JSON protocol
director            the script of faults and quotas, the call log, and the path that a test reaches them by
log_encryption      AssociateKmsKey, DisassociateKmsKey, the query results' key, CreateLogGroup's kmsKeyId
key_use             may this key be used: its policy, its state, the caller's own permissions
key_ids             CreateKey with an id of one's choice, for the keys that events/ names
log_answers         MiniStack's answers about log groups and tags, put into AWS's words
authorization       the ARNs that AWS authorises logs and KMS calls on
asynchronous        the queue of asynchronous invocations: retries, throttling, destinations
custom_resources    events to custom resources, and what CloudFormation accepts as an answer
rollback            a Delete after a failed Create
"""
