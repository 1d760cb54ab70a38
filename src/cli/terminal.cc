#include "cli/terminal.h"

#include <cstdio>
#include <fcntl.h>
#include <string>
#include <termios.h>
#include <unistd.h>

namespace tapewarden::cli {
namespace {

std::unexpected<Error> no_terminal() {
  return fail(ErrorCode::kInvalidArgument, "there is no terminal to ask at", "",
              "give the secret in a file: --password-file or --passphrase-file");
}

// Echo off while it lives, also when the work in between fails.
class QuietTerminal {
 public:
  QuietTerminal() : descriptor_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {
    if (descriptor_ < 0 || ::tcgetattr(descriptor_, &before_) != 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    quiet_ = ::tcsetattr(descriptor_, TCSAFLUSH, &quiet) == 0;
  }
  ~QuietTerminal() {
    if (quiet_) (void)::tcsetattr(descriptor_, TCSAFLUSH, &before_);
    if (descriptor_ >= 0) (void)::close(descriptor_);
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;

  bool ready() const { return quiet_; }
  void write(std::string_view text) { (void)!::write(descriptor_, text.data(), text.size()); }
  bool read(std::uint8_t& byte) { return ::read(descriptor_, &byte, 1) == 1; }

 private:
  int descriptor_;
  termios before_{};
  bool quiet_ = false;
};

}  // namespace

Result<crypto::SecretBytes> ask_secret_at_terminal(std::string_view question) {
  QuietTerminal terminal;
  if (!terminal.ready()) return no_terminal();
  terminal.write(std::string(question) + ": ");
  auto typed = crypto::SecretBytes::zeros(kTypedSecretLimit);
  std::size_t size = 0;
  std::uint8_t byte = 0;
  while (terminal.read(byte) && byte != '\n') {
    if (size == typed.size()) {
      terminal.write("\n");
      return fail(ErrorCode::kInvalidArgument, "the secret is too long", "",
                  "use at most " + std::to_string(kTypedSecretLimit) + " bytes");
    }
    typed.reveal_mutable()[size++] = byte;
  }
  terminal.write("\n");
  return crypto::SecretBytes::copy_of(typed.reveal().first(size));
}

bool confirm_at_terminal(std::string_view question) {
  const int terminal = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (terminal < 0) return false;
  const std::string text = std::string(question) + " Type yes: ";
  (void)!::write(terminal, text.data(), text.size());
  std::string typed;
  char c = 0;
  while (typed.size() < kTypedSecretLimit && ::read(terminal, &c, 1) == 1 && c != '\n') typed += c;
  (void)::close(terminal);
  return typed == "yes";
}

void show_progress(std::uint64_t done, std::uint64_t total) {
  if (::isatty(STDERR_FILENO) == 0 || total == 0) return;
  const auto percent = static_cast<unsigned>(static_cast<double>(done) * 100.0 / static_cast<double>(total));
  std::fprintf(stderr, "\r%3u %%%s", percent, done >= total ? "\n" : "");
}

}  // namespace tapewarden::cli
