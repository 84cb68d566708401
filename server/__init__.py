"""The composition root: HTTP and WebSocket edge, policy, and the demo."""
