"""Our own checkpoints: masked letters of unlabelled RNA, and nothing of any structure."""
