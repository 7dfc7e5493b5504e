"""What others read of stored sessions: lists, searches, transcripts and digests."""
