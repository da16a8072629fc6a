"""Load: a flood client, two yardsticks to measure the switch against, and the bench that runs them in
turn.
"""
