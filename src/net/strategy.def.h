/* GR_STRATEGY(ID, name): ways to share a step among ranks. What each does is in net/strategy.h. */
GR_STRATEGY(TILES, "tiles")
GR_STRATEGY(LANES, "lanes")
GR_STRATEGY(COLUMNS, "columns")
GR_STRATEGY(GRID, "grid")
