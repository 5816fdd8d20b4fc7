libgradus_internal_la_SOURCES +=
