"""The demonstration: a storefront's events, sent by a stock AWS client, and a count of what became of each."""
