/* gradus train: command line and configuration become a recipe, the data set is read, the trainer
 * starts or continues the run, and its report is printed with the test split's metrics. What is
 * said on the command line wins over the configuration file, that over the preset, in whatever
 * order they stand: the command line is walked twice. */
#include <config.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cli/evaluation.h"
#include "cli/number.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/recipe.h"
#include "cli/signals.h"
#include "cli/time_limit.h"
#include <gradus/gradus.h>
#include <gradus/tool.h>

typedef struct train_values {
  const char *config, *preset, *run, *resume, *range;
  int fresh, dry_run, allow_data_change, quiet, json;
  double time_limit;
} train_values;

const gr_option gr_train_options[] = {
    {"config", 0, GR_OPTION_TEXT, offsetof(train_values, config), "FILE.yaml",
     "read keys from a YAML file"},
    {"preset", 0, GR_OPTION_TEXT, offsetof(train_values, preset), "NAME",
     "start from a preset (below) [default: default]"},
    {"set", 0, GR_OPTION_SETTING, 0, "KEY=VALUE", "set any key; may be repeated"},
    {"run", 0, GR_OPTION_TEXT, offsetof(train_values, run), "DIR",
     "run directory [default: runs/DATA-DIGEST, the same for the same command]"},
    {"resume", 0, GR_OPTION_TEXT, offsetof(train_values, resume), "FILE",
     "start from this checkpoint"},
    {"fresh", 0, GR_OPTION_FLAG, offsetof(train_values, fresh), NULL,
     "refuse a directory that holds a run already"},
    {"allow-data-change", 0, GR_OPTION_FLAG, offsetof(train_values, allow_data_change), NULL,
     "go on in the directory of --run though its data have changed, and record it"},
    {"dry-run", 0, GR_OPTION_FLAG, offsetof(train_values, dry_run), NULL,
     "print the plan and the resolved recipe; train nothing, write nothing"},
    {"range-test", 0, GR_OPTION_TEXT, offsetof(train_values, range), "FILE.csv",
     "write the loss of 200 steps at growing learning rates and suggest one; no run is touched"},
    {"time-limit", 0, GR_OPTION_DURATION, offsetof(train_values, time_limit), "T",
     "checkpoint and stop within this time (90s, 30min, 12h) with exit status 75"},
    GR_OPTION_ROW_QUIET(train_values),
    GR_OPTION_ROW_JSON(train_values),
    GR_OPTION_END};

/* All that one training needs; anything may be NULL. */
typedef struct training {
  train_values values;
  gr_parsed parsed;
  gradus_recipe *recipe;
  gradus_dataset *dataset;
  gradus_trainer *trainer;
  gr_progress progress;
  gradus_report report;
  gradus_evaluation test;
  int has_test;
  int was_finished;   /* before this command */
  double begun;       /* on the clock */
  char data[4096];    /* path of the data set */
  char command[8192]; /* the command line as a shell would read it */
} training;

/* ---- recipe ---- */

static gradus_status build_recipe(training *t, const gr_command *command, int argc, char **argv,
                                  gradus_error *err) {
  train_values *v = &t->values;
  gradus_status status = gr_options_parse(command, argc, argv, v, NULL, NULL, &t->parsed, err);
  if (status == GRADUS_OK) status = gradus_recipe_create(v->preset, &t->recipe, err);
  if (status == GRADUS_OK && v->config) status = gradus_recipe_read(t->recipe, v->config, err);
  if (status == GRADUS_OK)
    status =
        gr_options_parse(command, argc, argv, NULL, gr_recipe_take_key, t->recipe, &t->parsed, err);
  if (status == GRADUS_OK && t->parsed.n_arguments > 0)
    status = gradus_recipe_set(t->recipe, "data.file", t->parsed.arguments[0], err);
  return status;
}

static gradus_status open_data(training *t, gradus_error *err) {
  gradus_status status = gr_recipe_text_of(t->recipe, "data.file", t->data, sizeof t->data, err);
  if (status != GRADUS_OK) return status;
  if (!t->data[0])
    return gr_cli_fail(err, GRADUS_ERR_USAGE,
                       "train: DATA is missing; usage: gradus train [OPTIONS] DATA (or data.file "
                       "in the configuration)");
  if (t->parsed.n_arguments > 1)
    return gradus_dataset_open_as(t->recipe, t->parsed.arguments, (size_t)t->parsed.n_arguments,
                                  &t->dataset, err);
  return gr_recipe_open_data(t->recipe, t->data, &t->dataset, err);
}

/* ---- the command line, as recorded in run.json and repeated to the user ---- */

static int is_plain(const char *word) {
  const char *safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+,./:@%";
  return *word && !word[strspn(word, safe)];
}

static void append(char *text, size_t size, const char *more) {
  size_t n = strlen(text);
  if (n + strlen(more) < size) memcpy(text + n, more, strlen(more) + 1);
}

static void append_word(char *text, size_t size, const char *word) {
  if (is_plain(word)) return append(text, size, word);
  append(text, size, "'");
  for (; *word; word++) {
    char letter[2] = {*word, '\0'};
    append(text, size, *word == '\'' ? "'\\''" : letter);
  }
  append(text, size, "'");
}

static void record_command(training *t, int argc, char **argv) {
  append(t->command, sizeof t->command, "gradus train");
  for (int i = 0; i < argc; i++) {
    append(t->command, sizeof t->command, " ");
    append_word(t->command, sizeof t->command, argv[i]);
  }
}

/* ---- training ---- */

static void on_progress(const gradus_progress *now, void *user) {
  gr_progress_show(&((training *)user)->progress, now);
}

static void on_message(gradus_level level, const char *text, void *user) {
  training *t = user;
  if (t->values.quiet && level == GRADUS_INFO) return;
  gr_progress_clear(&t->progress);
  gr_cli_print_message((int)level, text);
}

static gradus_status create_trainer(training *t, gradus_error *err) {
  const train_values *v = &t->values;
  gradus_trainer_options options = {
      .struct_size = sizeof options,
      .run_directory = v->run,
      .resume_file = v->resume,
      .fresh = v->fresh,
      .dry_run = v->dry_run,
      .allow_data_change = v->allow_data_change,
      .time_limit = v->dry_run ? 0 : gr_time_limit(v->time_limit, t->begun, v->quiet),
      .command_line = t->command,
      .config_path = v->config,
      .on_progress = on_progress,
      .on_message = on_message,
      .user = t};
  return gradus_trainer_create(t->recipe, t->dataset, &options, &t->trainer, err);
}

static gradus_status take_report(training *t, gradus_error *err) {
  t->report.struct_size = sizeof t->report;
  return gradus_trainer_report(t->trainer, &t->report, err);
}

/* Runs to the end or to a request to stop; the report is taken in both cases. */
static gradus_status run_trainer(training *t, gradus_error *err) {
  gradus_status status = take_report(t, err);
  if (status != GRADUS_OK) return status;
  t->was_finished = t->report.finished;
  gr_signals_watch(t->trainer);
  status = gradus_trainer_run(t->trainer, err);
  gr_progress_end(&t->progress);
  gr_signals_end();
  if (status != GRADUS_OK && status != GRADUS_ERR_STOPPED) return status;
  gradus_error ignored;
  gradus_status reported = take_report(t, status == GRADUS_OK ? err : &ignored);
  return status == GRADUS_OK ? reported : status;
}

/* The user's number of threads holds for the test as well; 0 is auto. */
static int test_threads(const training *t) {
  char text[32];
  int threads = 0;
  if (gr_recipe_text_of(t->recipe, "resources.threads", text, sizeof text, NULL) != GRADUS_OK)
    return 0;
  return gr_number_threads(text, &threads) ? threads : 0;
}

/* The training is done and kept: a test split that cannot be evaluated is a warning. */
static void evaluate_test(training *t) {
  if (!t->report.model_path[0] || gradus_dataset_rows(t->dataset, "test") == 0) return;
  gradus_model *model = NULL;
  gradus_error err = {.status = GRADUS_OK, .message = ""};
  t->test.struct_size = sizeof t->test;
  gradus_status status = gradus_model_load(t->report.model_path, &model, &err);
  if (status == GRADUS_OK)
    status = gradus_model_evaluate(model, t->dataset, "test", test_threads(t), &t->test, &err);
  gradus_model_destroy(model);
  t->has_test = status == GRADUS_OK;
  if (t->has_test) return;
  gr_cli_prefix(&err, "the test split was not evaluated");
  gr_cli_print_message(GRADUS_WARNING, err.message);
}

/* ---- what is said at the end ---- */

static void put_line(const char *name, double value) {
  char number[GR_NUMBER_TEXT];
  if (value == value) printf("  %-14s %s\n", name, gr_number_rounded(number, value));
}

static void put_headline(const training *t, int stopped) {
  const gradus_report *r = &t->report;
  char rate[GR_NUMBER_TEXT], time[GR_NUMBER_TEXT];
  if (t->was_finished)
    printf("already finished: epoch %llu, step %llu\n", (unsigned long long)r->epochs,
           (unsigned long long)r->steps);
  else
    printf("%s%s: epoch %llu, step %llu, %s, %s samples/s\n", stopped ? "stopped" : "finished",
           r->stopped_early ? " early, no longer improving" : "", (unsigned long long)r->epochs,
           (unsigned long long)r->steps, gr_number_clock(time, r->wall_seconds),
           gr_number_short(rate, r->samples_per_second > 0 ? r->samples_per_second : 0));
}

static void put_report(const training *t, int stopped) {
  const gradus_report *r = &t->report;
  put_headline(t, stopped);
  put_line("train loss", r->train_loss);
  put_line("valid loss", r->valid_loss);
  if (r->best_loss == r->best_loss) {
    char number[GR_NUMBER_TEXT];
    printf("  %-14s %s (epoch %llu)\n", "best loss", gr_number_rounded(number, r->best_loss),
           (unsigned long long)r->best_epoch);
  }
  if (r->limit[0] && !t->was_finished)
    printf("  %-14s %s (waited for data %.1f%% of the time)\n", "limited by", r->limit,
           100 * r->data_wait);
  if (t->has_test) {
    printf("  %-14s ", "test");
    gr_evaluation_put(&t->test);
    printf(" (%llu rows)\n", (unsigned long long)t->test.rows);
  }
  printf("  %-14s %s\n", "run", r->run_directory);
  if (r->model_path[0]) printf("  %-14s %s\n", "model", r->model_path);
  printf("  %-14s %s (final weights)\n", "digest", r->digest);
}

/* Where the rows are that training has not seen. */
static void append_test_rows(const training *t, char *data, size_t size) {
  char value[4096];
  if (gr_recipe_text_of(t->recipe, "data.test", value, sizeof value, NULL) == GRADUS_OK &&
      value[0]) {
    data[0] = '\0';
    append_word(data, size, value);
  }
  if (gr_recipe_text_of(t->recipe, "data.test_every", value, sizeof value, NULL) == GRADUS_OK &&
      strcmp(value, "0") != 0) {
    append(data, size, " --test-every ");
    append(data, size, value);
  }
  static const char *const columns[][2] = {{"data.weights", " --weights "},
                                           {"data.offset", " --offset "}};
  for (size_t i = 0; i < 2; i++) {
    if (gr_recipe_text_of(t->recipe, columns[i][0], value, sizeof value, NULL) != GRADUS_OK ||
        !value[0])
      continue;
    append(data, size, columns[i][1]);
    append_word(data, size, value);
  }
}

/* Commands that make sense now, ready to be typed. */
static void put_next(const training *t, int stopped) {
  char run[1200] = "", data[8192] = "";
  append_word(run, sizeof run, t->report.run_directory);
  append_word(data, sizeof data, t->data);
  for (int i = 1; i < t->parsed.n_arguments; i++) {
    append(data, sizeof data, " ");
    append_word(data, sizeof data, t->parsed.arguments[i]);
  }
  append_test_rows(t, data, sizeof data);
  puts("next:");
  if (stopped) {
    printf("  %s\n", t->command);
  } else {
    printf("  gradus eval %s %s\n", run, data);
    printf("  gradus predict %s %s -o predictions.csv\n", run, data);
  }
  printf("  gradus inspect %s\n", run);
}

static void put_json(const training *t, int stopped) {
  const gradus_report *r = &t->report;
  gr_json json = {0};
  gr_json_open(&json, NULL, '{');
  gr_json_text(&json, "status", stopped ? "stopped" : "finished");
  gr_json_flag(&json, "already_finished", t->was_finished);
  gr_json_flag(&json, "stopped_early", r->stopped_early);
  gr_json_count(&json, "epochs", r->epochs);
  gr_json_count(&json, "steps", r->steps);
  gr_json_count(&json, "best_epoch", r->best_epoch);
  gr_json_real(&json, "train_loss", r->train_loss);
  gr_json_real(&json, "valid_loss", r->valid_loss);
  gr_json_real(&json, "best_loss", r->best_loss);
  gr_json_real(&json, "wall_seconds", r->wall_seconds);
  gr_json_real(&json, "samples_per_second", r->samples_per_second);
  gr_json_real(&json, "data_wait", r->data_wait);
  gr_json_text(&json, "limited_by", r->limit);
  gr_json_text(&json, "run_directory", r->run_directory);
  gr_json_text(&json, "model", r->model_path[0] ? r->model_path : NULL);
  gr_json_text(&json, "digest", r->digest);
  if (t->has_test) {
    gr_json_open(&json, "test", '{');
    gr_evaluation_json(&json, &t->test);
    gr_json_close(&json, '}');
  }
  gr_json_close(&json, '}');
  gr_json_end(&json);
}

static gradus_status put_plan(const training *t, gradus_error *err) {
  char *plan = NULL, *recipe = NULL;
  gradus_status status = gradus_trainer_plan(t->trainer, &plan, err);
  if (status == GRADUS_OK) status = gradus_trainer_recipe(t->trainer, &recipe, err);
  if (status == GRADUS_OK && t->values.json) {
    gr_json json = {0};
    gr_json_open(&json, NULL, '{');
    gr_json_text(&json, "status", "planned");
    gr_json_text(&json, "plan", plan);
    gr_json_text(&json, "recipe", recipe);
    gr_json_close(&json, '}');
    gr_json_end(&json);
  } else if (status == GRADUS_OK) {
    printf("%s\n%s", plan, recipe);
  }
  gradus_text_free(plan);
  gradus_text_free(recipe);
  return status;
}

static gradus_status train_and_report(training *t, gradus_error *err) {
  gradus_status status = run_trainer(t, err);
  int stopped = status == GRADUS_ERR_STOPPED;
  if (status != GRADUS_OK && !stopped) return status;
  if (!stopped) evaluate_test(t);
  if (t->values.json) {
    put_json(t, stopped);
  } else {
    put_report(t, stopped);
    put_next(t, stopped);
  }
  return status;
}

/* No run: the rates and losses of some steps, and what to make of them. */
static gradus_status test_range(const training *t, gradus_error *err) {
  gradus_range range = {.struct_size = sizeof range};
  const char *path = t->values.range;
  gradus_status status = gradus_range_test(t->recipe, t->dataset, path, &range, err);
  if (status != GRADUS_OK) return status;
  if (t->values.json) {
    gr_json json = {0};
    gr_json_open(&json, NULL, '{');
    gr_json_text(&json, "status", "range_test");
    gr_json_text(&json, "file", path);
    gr_json_count(&json, "steps", range.steps);
    gr_json_real(&json, "suggestion", range.suggestion);
    gr_json_close(&json, '}');
    gr_json_end(&json);
    return GRADUS_OK;
  }
  printf("%llu steps; losses in %s\n", (unsigned long long)range.steps, path);
  if (range.suggestion > 0)
    printf("the loss falls fastest at --learning-rate %.2g\n", range.suggestion);
  else
    printf("the loss did not fall at any learning rate\n");
  return GRADUS_OK;
}

static gradus_status train(training *t, const gr_command *command, int argc, char **argv,
                           gradus_error *err) {
  gradus_status status = build_recipe(t, command, argc, argv, err);
  if (status == GRADUS_OK && !t->values.dry_run) status = gr_signals_begin(err);
  if (status == GRADUS_OK) status = open_data(t, err);
  if (status != GRADUS_OK) return status;
  if (t->values.range) return test_range(t, err);
  record_command(t, argc, argv);
  t->progress = gr_progress_start(t->values.quiet);
  status = create_trainer(t, err);
  if (status != GRADUS_OK) return status;
  return t->values.dry_run ? put_plan(t, err) : train_and_report(t, err);
}

gradus_status gr_command_train(const gr_command *command, int argc, char **argv,
                               gradus_error *err) {
  training t = {.begun = gr_time_now()};
  gradus_status status = train(&t, command, argc, argv, err);
  gr_signals_end();
  gradus_evaluation_free(&t.test);
  gradus_trainer_destroy(t.trainer);
  gradus_dataset_close(t.dataset);
  gradus_recipe_destroy(t.recipe);
  return status;
}
