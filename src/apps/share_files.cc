#include "apps/share_files.h"

#include <algorithm>
#include <optional>

#include "apps/site_files.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "store/master_key.h"

namespace tapewarden::apps {

namespace {

constexpr std::size_t kLineBytes = 16;
constexpr std::size_t kNameLimit = 60;
constexpr std::size_t kShareFileLimit = 16U << 10;
constexpr std::string_view kTitle = "TAPEWARDEN RECOVERY SHARE ";
constexpr std::string_view kHexDigits = "0123456789abcdef";

struct ShareFile {
  unsigned count = 0;
  unsigned needed = 0;
  std::string set;
  crypto::SecretShare share;
  std::vector<crypto::ShareCommitment> commitments;
};

// A line's last two digits: a slip of the pen is found where it was made.
std::uint8_t line_check(std::size_t line, ByteView bytes) {
  crypto::Sha256 hash;
  const std::array<std::uint8_t, 1> number{static_cast<std::uint8_t>(line)};
  hash.update(number);
  hash.update(bytes);
  return hash.finish()[0];
}

// Text in secure memory, since a share is half a secret.
class ShareText {
 public:
  explicit ShareText(std::size_t limit) : text_(crypto::SecretBytes::zeros(limit)) {}
  void add(std::string_view text) {
    copy_bytes(text_.reveal_mutable().subspan(used_), as_bytes(text));
    used_ += text.size();
  }
  void add_hex(std::uint8_t byte) {
    const std::array<char, 2> digits{kHexDigits[byte >> 4], kHexDigits[byte & 0xF]};
    add(std::string_view(digits.data(), digits.size()));
  }
  ByteView view() const { return text_.reveal().first(used_); }

 private:
  crypto::SecretBytes text_;
  std::size_t used_ = 0;
};

std::string two_digits(std::size_t number) {
  return (number < 10 ? "0" : "") + std::to_string(number);
}

Status write_share(Env env, const std::string& path, const ShareOptions& options, const std::string& set,
                   const crypto::SharedSecret& shared, const crypto::SecretShare& share) {
  ShareText text(kShareFileLimit);
  text.add(std::string(kTitle) + std::to_string(share.number) + " of " +
           std::to_string(shared.shares.size()) + "; any " + std::to_string(shared.needed) +
           " give the secret\n");
  text.add("of     " + options.name + "\n");
  text.add("made   " + format_utc(env.clock->wall_now()) + "\n");
  text.add("set    " + set + "\n\n");
  const ByteView content = share.content.reveal();
  for (std::size_t at = 0, line = 1; at < content.size(); at += kLineBytes, ++line) {
    const ByteView bytes = content.subspan(at, std::min(kLineBytes, content.size() - at));
    text.add(two_digits(line) + " ");
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (i % 2 == 0) text.add(" ");
      text.add_hex(bytes[i]);
    }
    text.add("  ");
    text.add_hex(line_check(line, bytes));
    text.add("\n");
  }
  text.add("\n");
  for (std::size_t i = 0; i < shared.commitments.size(); ++i) {
    text.add("share " + std::to_string(i + 1) + " is " + to_hex(shared.commitments[i]) + "\n");
  }
  text.add(
      "\nTo bring the secret back: tapewarden-keyd shares join FILE FILE ... --to NEW-FILE\n"
      "Keep this page where no other share is, and hand it to nobody.\n");
  return write_secret(env, path, crypto::SecretBytes::copy_of(text.view()));
}

std::unexpected<Error> slip_at(const std::string& path, const std::string& line, const std::string& what) {
  return fail(ErrorCode::kInvalidArgument, path + ": " + what + " in the line " + line, "share",
              "compare that line with the paper");
}
std::unexpected<Error> slip(const std::string& path, std::string_view line, const std::string& what) {
  return slip_at(path, "\"" + std::string(line.substr(0, 2)) + " ...\"", what);
}

std::optional<std::uint8_t> digit_of(char c) {
  const auto at = kHexDigits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
  return at == std::string_view::npos ? std::nullopt : std::optional(static_cast<std::uint8_t>(at));
}

// Hex digits with blanks anywhere between them.
Result<crypto::SecretBytes> read_digits(std::string_view text, const std::string& path,
                                        std::string_view line) {
  auto out = crypto::SecretBytes::zeros(kLineBytes + 1);
  std::size_t digits = 0;
  for (const char c : text) {
    if (c == ' ' || c == '\t' || c == '\r') continue;
    const auto digit = digit_of(c);
    if (!digit) return slip(path, line, "a character that is no hexadecimal digit");
    if (digits / 2 >= out.size()) return slip(path, line, "too many digits");
    auto& byte = out.reveal_mutable()[digits / 2];
    byte = static_cast<std::uint8_t>(byte << 4 | *digit);
    ++digits;
  }
  if (digits % 2 != 0 || digits < 4) return slip(path, line, "digits are missing");
  return crypto::SecretBytes::copy_of(out.reveal().first(digits / 2));
}

class ShareReader {
 public:
  explicit ShareReader(std::string path) : path_(std::move(path)) {}

  Result<ShareFile> read(std::string_view text) {
    while (!text.empty()) {
      const auto end = std::min(text.find('\n'), text.size());
      TRY(take(text.substr(0, end)));  // never copied: it is part of a share
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (file_.share.number == 0 || file_.set.empty() || used_ == 0 ||
        file_.commitments.size() != file_.count) {
      return fail(
          ErrorCode::kInvalidArgument, path_ + " is no whole recovery share: " + missing(), "share",
          "the file needs the title, the line with the set, all lines with digits, and one line for each "
          "share of the set");
    }
    file_.share.content = crypto::SecretBytes::copy_of(content_.reveal().first(used_));
    return std::move(file_);
  }

 private:
  std::string missing() const {
    if (file_.share.number == 0) return "its title is missing";
    if (file_.set.empty()) return "the line with the set is missing";
    if (used_ == 0) return "the lines with its digits are missing";
    return std::to_string(file_.commitments.size()) + " of the " + std::to_string(file_.count) +
           " lines \"share N is ...\" are there, so lines at the page's end are missing";
  }

  Status take(std::string_view line) {
    if (line.starts_with(kTitle)) return take_title(line);
    if (line.starts_with("set ")) {
      file_.set = trim(line.substr(4));
      return {};
    }
    if (line.starts_with("share ")) return take_commitment(line);
    if (line.size() > 2 && line[0] >= '0' && line[0] <= '9' && line[1] >= '0' && line[1] <= '9') {
      return take_content(line);
    }
    return {};
  }

  static std::string trim(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return {};
    return std::string(text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1));
  }

  Status take_title(std::string_view line) {
    const auto words = split(line.substr(kTitle.size()), ' ');
    const auto bad = slip_at(path_, "with the title", "letters are missing (or one is wrong)");
    if (words.size() < 5 || words[1] != "of" || words[3] != "any") return bad;
    const auto number = parse_number(words[0], 1, crypto::kMaximumShares, "share");
    const auto count =
        parse_number(words[2].substr(0, words[2].find(';')), 2, crypto::kMaximumShares, "share");
    if (!number || !count) return bad;
    const auto needed = parse_number(words[4], 2, *count, "share");
    if (!needed) return bad;
    file_.share.number = static_cast<unsigned>(*number);
    file_.count = static_cast<unsigned>(*count);
    file_.needed = static_cast<unsigned>(*needed);
    return {};
  }

  Status take_content(std::string_view line) {
    const auto number = static_cast<std::size_t>(TRY(parse_number(line.substr(0, 2), 0, 99, "share")));
    if (number != lines_ + 1) return slip(path_, line, "a line that is missing before, or twice,");
    const auto bytes = TRY(read_digits(line.substr(2), path_, line));
    const ByteView content = bytes.reveal().first(bytes.size() - 1);
    if (line_check(number, content) != bytes.reveal().back()) {
      // All lines but the last have the same length, and which is the last one does not show.
      const bool full = content.size() == kLineBytes;
      return slip(path_, line, full ? "a wrong digit" : "digits are missing (or one is wrong)");
    }
    if (short_line_ > 0) return slip(path_, two_digits(short_line_), "digits are missing");
    if (content.size() < kLineBytes) short_line_ = number;
    if (used_ + content.size() > content_.size()) return slip(path_, line, "too much");
    copy_bytes(content_.reveal_mutable().subspan(used_), content);
    used_ += content.size();
    ++lines_;
    return {};
  }

  Status take_commitment(std::string_view line) {
    const auto words = split(trim(line), ' ');
    const auto bytes = from_hex(words.size() == 4 ? words[3] : "not hex");
    crypto::ShareCommitment commitment;
    const std::size_t digits = words.size() == 4 ? words[3].size() : 0;
    if (digits < 2 * commitment.size()) {
      return slip_at(path_, "of share " + (words.size() > 1 ? words[1] : ""),
                     "letters or digits are missing");
    }
    if (!bytes || bytes->size() != commitment.size()) {
      return slip_at(path_, "of share " + words[1], "a wrong digit");
    }
    std::ranges::copy(*bytes, commitment.begin());
    file_.commitments.push_back(commitment);
    return {};
  }

  const std::string path_;
  ShareFile file_;
  crypto::SecretBytes content_ = crypto::SecretBytes::zeros(crypto::kSharedSecretLimit + kLineBytes);
  std::size_t used_ = 0;
  std::size_t lines_ = 0;
  std::size_t short_line_ = 0;  // it can only be the last
};

Result<ShareFile> read_share(Env env, const std::string& path) {
  Bytes content = TRY(read_file(*env.disk, path, kShareFileLimit));
  auto file = ShareReader(path).read(as_text(content));
  crypto::wipe(content);
  return file;
}

Status check_options(Env env, const ShareOptions& options) {
  if (options.name.empty() || options.name.size() > kNameLimit || !is_printable(options.name)) {
    return fail(ErrorCode::kInvalidArgument, "the name must be 1 to 60 printable characters", "name",
                "say what the secret opens");
  }
  const auto there = env.disk->list(options.directory);
  if (there && !there->empty()) {
    return fail(ErrorCode::kAlreadyExists, options.directory + " is not empty", "to",
                "name a new folder: shares are never overwritten");
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> make_shares(Env env, const ShareOptions& options) {
  TRY(check_options(env, options));
  const auto secret = TRY(store::read_passphrase_file(*env.disk, options.secret_file));
  const auto shared = TRY(crypto::split_secret(secret, options.needed, options.count, *env.random));
  std::array<std::uint8_t, 8> set;
  env.random->fill(set);
  TRY(env.disk->make_directories(options.directory, 0700));
  std::vector<std::string> paths;
  for (const auto& share : shared.shares) {
    paths.push_back(options.directory + "/share-" + std::to_string(share.number) + "-of-" +
                    std::to_string(options.count) + ".txt");
    TRY(write_share(env, paths.back(), options, to_hex(set), shared, share));
  }
  TRY(env.disk->sync_directory(options.directory));
  const auto joined = TRY(join_share_files(env, paths));
  if (joined == secret) return paths;
  return fail(ErrorCode::kInternal, "the shares do not give the secret back", "shares");
}

Result<crypto::SecretBytes> join_share_files(Env env, const std::vector<std::string>& files) {
  if (files.empty()) return fail(ErrorCode::kInvalidArgument, "no share is named", "share");
  const ShareFile first = TRY(read_share(env, files.front()));
  std::vector<crypto::SecretShare> shares;
  for (const std::string& path : files) {
    ShareFile file = TRY(read_share(env, path));
    if (file.set != first.set || file.needed != first.needed || file.commitments != first.commitments) {
      return fail(ErrorCode::kWrongKey, path + " is of another set of shares than " + files.front(), "share",
                  "join shares that were made together: their pages bear the same set");
    }
    shares.push_back(std::move(file.share));
  }
  return crypto::join_secret(shares, first.needed, first.commitments);
}

Status join_shares(Env env, const std::vector<std::string>& files, const std::string& to) {
  if (env.disk->exists(to)) {
    return fail(ErrorCode::kAlreadyExists, to + " is there already", "to", "name a new file");
  }
  const auto secret = TRY(join_share_files(env, files));
  ShareText line(secret.size() + 1);
  line.add(as_text(secret.reveal()));
  line.add("\n");
  return write_secret(env, to, crypto::SecretBytes::copy_of(line.view()));
}

}  // namespace tapewarden::apps
