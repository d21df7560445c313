#include "tools/live/live_screen.h"

#define NCURSES_NOMACROS 1
#define NCURSES_WIDECHAR 1
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <curses.h>
#include <langinfo.h>
#include <termcap.h>
#include <unistd.h>

namespace migscope::tools {
namespace {

// https://no-color.org: set, and not empty.
bool wants_colours() {
  const char* no = std::getenv("NO_COLOR");
  return !(no && *no) && has_colors();
}

// Asked before newterm(), which loses memory over a terminal that it does not
// know (ncurses 6.4).
bool can_move_its_cursor() {
  const char* term = std::getenv("TERM");
  return term && *term && std::strcmp(term, "dumb") != 0 &&
         tgetent(nullptr, term) == 1;
}

// A job in the background that touches its terminal is stopped.
bool in_foreground() {
  return tcgetpgrp(STDIN_FILENO) == getpgrp();
}

// The numbers of colour pairs are those of the styles.
void set_up_colours() {
  start_color();
  use_default_colors();
  auto pair = [](LiveStyle style, short colour) {
    init_pair(static_cast<short>(style), colour, -1);
  };
  pair(LiveStyle::good, COLOR_GREEN);
  pair(LiveStyle::bad, COLOR_RED);
  pair(LiveStyle::sent, COLOR_BLUE);
  pair(LiveStyle::dirtied, COLOR_YELLOW);
  pair(LiveStyle::left, COLOR_CYAN);
}

attr_t attributes(LiveStyle style) {
  switch (style) {
  case LiveStyle::dim:
    return A_DIM;
  case LiveStyle::strong:
  case LiveStyle::good:
  case LiveStyle::bad:
    return A_BOLD;
  default:
    return A_NORMAL;
  }
}

bool has_colour(LiveStyle style) {
  return style >= LiveStyle::good;
}

// Ctrl-Z. ncurses' own handler would set the terminal up again when the job is
// continued, also in the background, and be stopped for it.
volatile std::sig_atomic_t stop_wanted = 0;

void want_stop(int) {
  stop_wanted = 1;
}

} // namespace

struct LiveScreen::Terminal {
  SCREEN* screen = nullptr;

  ~Terminal() {
    endwin();
    delscreen(screen);
    std::signal(SIGTSTP, SIG_DFL);
  }
};

std::unique_ptr<LiveScreen> LiveScreen::open() {
  if (!isatty(STDERR_FILENO) || !isatty(STDIN_FILENO) || !in_foreground() ||
      !can_move_its_cursor())
    return nullptr;
  // Of the characters alone: numbers stay as they are.
  std::setlocale(LC_CTYPE, "");
  stop_wanted = 0;
  std::signal(SIGTSTP, want_stop);
  SCREEN* screen = newterm(nullptr, stderr, stdin);
  if (!screen) {
    std::signal(SIGTSTP, SIG_DFL);
    return nullptr;
  }
  auto terminal = std::make_unique<Terminal>();
  terminal->screen = screen;
  return std::unique_ptr<LiveScreen>(new LiveScreen(std::move(terminal)));
}

LiveScreen::LiveScreen(std::unique_ptr<Terminal> terminal)
    : terminal_(std::move(terminal)),
      unicode_(std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0),
      colours_(wants_colours()) {
  if (colours_)
    set_up_colours();
  cbreak(); // and not raw(): Ctrl-C is a signal
  noecho();
  nodelay(stdscr, TRUE);
  keypad(stdscr, TRUE);
  curs_set(0);
}

LiveScreen::~LiveScreen() = default;

ScreenSize LiveScreen::size() const {
  return {static_cast<size_t>(std::max(getmaxx(stdscr), 0)),
          static_cast<size_t>(std::max(getmaxy(stdscr), 0))};
}

void LiveScreen::paint(const LiveCanvas& canvas) {
  werase(stdscr);
  for (size_t row = 0; row < canvas.rows(); ++row)
    for (size_t column = 0; column < canvas.columns(); ++column) {
      LiveCell cell = canvas.at(row, column);
      if (cell.glyph == U' ')
        continue;
      wchar_t text[] = {static_cast<wchar_t>(cell.glyph), 0};
      cchar_t glyph;
      bool coloured = colours_ && has_colour(cell.style);
      setcchar(&glyph, text, attributes(cell.style),
               coloured ? static_cast<short>(cell.style) : short{0}, nullptr);
      mvwadd_wch(stdscr, static_cast<int>(row), static_cast<int>(column),
                 &glyph);
    }
  wrefresh(stdscr);
}

LiveScreen::Key LiveScreen::key() {
  for (;;) {
    if (stop_wanted)
      return Key::stop;
    int code = wgetch(stdscr);
    if (code == ERR)
      return Key::none;
    if (code == 'q' || code == 'Q')
      return Key::leave;
    if (code == KEY_RESIZE)
      return Key::resized;
  }
}

} // namespace migscope::tools
