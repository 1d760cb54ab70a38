// Ending a command that is at work with a drive, so that it can give the drive free: while an Interruption
// lives, SIGINT, SIGTERM and SIGHUP are taken note of, and the places where the command may wait for long end
// with an error. A second signal ends the program at once, as far as it is not within a command to a drive.
//
// Signals are the process': Interruptions are made and used by one thread; one within another adds nothing.
// The functions below do nothing special while there is none.
#pragma once

#include <csignal>

#include "base/error.h"

namespace tapewarden::cli {

class Interruption {
 public:
  Interruption();
  ~Interruption();  // what was before
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  // A question to a person, where a signal shall end the waiting at once.
  class Window {
   public:
    Window();
    ~Window();
    Window(const Window&) = delete;
    Window& operator=(const Window&) = delete;
  };
};

// kUnavailable with kInterrupted (cli/exit_code.h) as its detail, when a signal has come.
Status check_interruption();
// Waits until the descriptor can be read, or written, without waiting; or until a signal comes.
Status await_readable(int descriptor);
Status await_writable(int descriptor);

}  // namespace tapewarden::cli
