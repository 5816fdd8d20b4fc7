/* Messages for people: the library itself prints nothing, it hands each line to the sink its caller
 * gave. */
#ifndef GR_BASE_LOG_H
#define GR_BASE_LOG_H

typedef enum gr_level { GR_INFO, GR_WARNING, GR_ERROR } gr_level;

/* `sink` may be NULL: then nothing happens. The text has no final newline. */
typedef struct gr_log {
  void (*sink)(void *user, gr_level level, const char *text);
  void *user;
} gr_log;

__attribute__((format(printf, 3, 4))) void gr_log_write(const gr_log *log, gr_level level,
                                                        const char *format, ...);

#endif
