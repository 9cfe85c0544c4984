"""`Custom::LogGroupKmsAssociation`: CloudWatch Logs log groups and query results under a customer's own KMS key."""
