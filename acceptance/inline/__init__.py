"""The functions of the foundation, each one file: CloudFormation takes their text."""
