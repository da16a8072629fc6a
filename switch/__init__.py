"""The switch: an asyncio core around a pure decision.

It knows messages (`protocol`), the decision kernel (`cext`) and ports (`switch.ports`); never a database driver or a
metrics library. See docs/architecture.md for the floors and for the way of one message.
"""
