"""Data: files of any RNA format to `Rna`, named sets with their hashes, clusters of relatives."""
