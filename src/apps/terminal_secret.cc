#include "apps/terminal_secret.h"

#include <cstdio>
#include <termios.h>
#include <unistd.h>

#include "store/master_key.h"

namespace tapewarden::apps {

Result<crypto::SecretBytes> ask_secret(const std::string& prompt, const std::string& field) {
  termios before{};
  if (::tcgetattr(STDIN_FILENO, &before) != 0) {
    return fail(ErrorCode::kInvalidArgument, "there is no terminal to ask for the " + prompt + " at", field,
                "name a file that holds it, or use a terminal");
  }
  termios silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  std::fprintf(stderr, "%s: ", prompt.c_str());
  auto buffer = crypto::SecretBytes::zeros(store::kPassphraseLimit);
  std::size_t length = 0;
  char c = 0;
  while (length < buffer.size() && ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') {
    buffer.reveal_mutable()[length++] = static_cast<std::uint8_t>(c);
  }
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
  std::fputs("\n", stderr);
  return crypto::SecretBytes::copy_of(buffer.reveal().first(length));
}

Result<crypto::SecretBytes> ask_new_secret(const std::string& prompt, const std::string& field) {
  auto first = TRY(ask_secret(prompt, field));
  const auto second = TRY(ask_secret(prompt + ", again", field));
  if (first == second) return first;
  return fail(ErrorCode::kInvalidArgument, "the two differ", field, "type the same twice");
}

}  // namespace tapewarden::apps
