"""The embedded AWS: MiniStack, and around it what it lacks of AWS. README.md explains each part.

`answers`, `quotas` and `script` are plain values, which clients import too; the rest runs in the server's process only.

__main__            checks the seams, installs the rest, runs MiniStack
seams               every private name of MiniStack that is replaced here, and why
wire                requests and responses of AWS's JSON protocol
director            the script of faults, denials and late reads, and the call log
control             the path that a test reaches them by
quotas              the calls a second that CloudWatch Logs takes
log_encryption      AssociateKmsKey, DisassociateKmsKey, the query results' key, CreateLogGroup's kmsKeyId
key_use             may this key be used: its policy, its state, the caller's own permissions
key_ids             CreateKey with an id of one's choice, for the keys that events/ names
log_answers         MiniStack's answers about log groups and tags, put into AWS's words
log_listing         the pages of DescribeLogGroups
log_summaries       ListLogGroups, by tags, name and class
log_tags            which tags, and which ARNs, the calls about tags take
log_group_resource  AWS::Logs::LogGroup
log_groups_behind   log groups that no customer's call makes
trail               calls about log groups as CloudTrail tells the event bus of them
authorization       the ARNs that AWS authorises logs and KMS calls on
transport           plain HTTP on loopback counts as TLS
asynchronous        the queue of asynchronous invocations: retries, throttling, destinations
event_targets       EventBridge's invocations of functions, and where it puts what it cannot deliver
schedules           scheduled rules, fired when a test wants it
queues              messages that AWS's own services put into SQS queues
conditions          Fn::Join in the conditions of a template
physical_names      generated names that no two stacks share
custom_resources    events to custom resources, and what CloudFormation accepts as an answer
rollback            a Delete after a failed Create
"""
