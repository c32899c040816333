"""What the test folders share: brokers and pairs as processes, clients, expectations, the control
socket, figures from outside."""
