"""Submissions to the leaderboard: made, checked, ranked."""
