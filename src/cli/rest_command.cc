#include "cli/rest_command.h"

#include <algorithm>

#include "base/base64.h"
#include "base/text.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/output_file.h"
#include "cli/request_body.h"

namespace tapewarden::cli {
namespace {

constexpr std::string_view kOutput = "--output";
constexpr std::string_view kMost = "--most";  // items wanted of a list
constexpr std::uint64_t kPage = 1000;

std::string percent_encoded(std::string_view text) {
  static constexpr std::string_view kPlain = "-._~";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       kPlain.find(c) != std::string_view::npos;
    const auto byte = static_cast<std::uint8_t>(c);
    out += plain ? std::string(1, c) : "%" + to_hex({&byte, 1});
  }
  return out;
}

Result<crypto::SecretBytes> secret_of(Context& context, const ArgumentSpec& argument, const Values& values) {
  const std::string file = values.text(std::string(argument.name) + "-file");
  if (!file.empty()) return read_secret_file(*context.env.disk, file);
  auto secret = TRY(context.ask_secret(argument.meaning));
  if (!argument.ask_twice) return secret;
  const auto again = TRY(context.ask_secret("the same once more"));
  if (secret == again) return secret;
  return fail(ErrorCode::kInvalidArgument, "the two are not the same", std::string(argument.name),
              "type the same twice");
}

Result<std::int64_t> integer_of(const ArgumentSpec& argument, std::string_view text) {
  const auto number = parse_number(text, 0, std::uint64_t{1} << 62, argument.name);
  if (number) return static_cast<std::int64_t>(*number);
  return fail(ErrorCode::kInvalidArgument, "this is not a number", std::string(argument.name),
              "write digits only");
}

Status add_to_body(Context& context, const ArgumentSpec& argument, const Values& values, RequestBody& body) {
  if (argument.kind == ArgumentKind::kSecret) {
    const bool wanted = argument.required || values.has(std::string(argument.name) + "-file");
    if (wanted) body.add_secret(argument.field, TRY(secret_of(context, argument, values)));
    return {};
  }
  if (!values.has(argument.key())) return {};
  const std::string text = values.text(argument.key());
  switch (argument.kind) {
    case ArgumentKind::kText:
      body.add_text(argument.field, text);
      break;
    case ArgumentKind::kInteger:
      body.add_integer(argument.field, TRY(integer_of(argument, text)));
      break;
    case ArgumentKind::kFlag:
      body.add_flag(argument.field, true);
      break;
    case ArgumentKind::kList:
      body.add_list(argument.field, values.list(argument.key()));
      break;
    case ArgumentKind::kTextFile:
      body.add_text(argument.field, as_text(TRY(read_file(*context.env.disk, text, kInputFileLimit))));
      break;
    case ArgumentKind::kBinaryFile:
      body.add_text(argument.field, to_base64(TRY(read_file(*context.env.disk, text, kInputFileLimit))));
      break;
    case ArgumentKind::kSecret:
      break;
  }
  return {};
}

Status check_path_text(const ArgumentSpec& argument, const std::string& text) {
  if (text.empty()) {
    return fail(ErrorCode::kInvalidArgument, "this is empty", std::string(argument.name),
                "give " + std::string(argument.meaning));
  }
  if (argument.words.empty() || std::ranges::find(argument.words, text) != argument.words.end()) return {};
  std::string known;
  for (const auto word : argument.words) known += (known.empty() ? "" : " or ") + std::string(word);
  return fail(ErrorCode::kInvalidArgument, "this is none of its words", std::string(argument.name),
              "give " + known);
}

// True when the argument stood in braces in the path, and is now there.
Result<bool> put_into_path(std::string& path, const ArgumentSpec& argument, const Values& values) {
  const std::string hole = "{" + std::string(argument.field) + "}";
  const auto at = path.find(hole);
  if (argument.field.empty() || at == std::string::npos) return false;
  const std::string text = values.text(argument.key());
  TRY(check_path_text(argument, text));
  path.replace(at, hole.size(), percent_encoded(text));
  return true;
}

void add_to_query(std::string& target, std::string_view name, std::string_view value) {
  target +=
      (target.find('?') == std::string::npos ? "?" : "&") + std::string(name) + "=" + percent_encoded(value);
}

Result<std::uint64_t> most_of(const Values& values) {
  if (!values.has(kMost)) return std::numeric_limits<std::uint64_t>::max();
  const auto most = parse_number(values.text(kMost), 1, std::numeric_limits<std::uint64_t>::max(), kMost);
  if (most) return *most;
  return fail(ErrorCode::kInvalidArgument, "this is not a number", std::string(kMost), "write digits only");
}

Status run_list(Context& context, RestClient& client, const RestCall& rest, const PreparedCall& call,
                std::uint64_t most, bool paged) {
  Listing listing;
  std::string target = call.target;
  if (paged) add_to_query(target, "limit", std::to_string(std::min(most, kPage)));
  TRY(listing.add_page(TRY(client.call(call.method, target, call.body, context.globals.approval))));
  while (!listing.next().empty() && listing.size() < most) {
    std::string further = target;
    add_to_query(further, "after", listing.next());
    TRY(listing.add_page(TRY(client.call(call.method, further))));
  }
  listing.cut(most);
  for (const auto& note : listing.notes()) *context.err << note << '\n';
  if (context.globals.json) {
    listing.print_json(*context.out);
  } else {
    listing.print_table(*context.out, rest.columns);
  }
  return {};
}

bool says_done(const RestCall& rest) {
  return std::ranges::find(rest.columns, "done") != rest.columns.end();
}

Status print_answer(Context& context, const RestCall& rest, const Values& values, const OutputFile& output,
                    ByteView body) {
  if (!rest.file_member.empty()) {
    const Bytes content = TRY(from_base64(TRY(text_at(body, rest.file_member)), rest.file_member));
    return output.write(context, content, 0600);
  }
  if (body.empty()) return {};
  if (context.globals.json) {
    *context.out << as_text(body) << '\n';
    return says_done(rest) ? judge_lines(body) : Status();
  }
  if (rest.text_member.empty()) {
    TRY(print_object(*context.out, body, rest.columns));
    return says_done(rest) ? judge_lines(body) : Status();
  }
  std::string text = TRY(text_at(body, rest.text_member));
  if (!values.has(kOutput) && !text.ends_with('\n')) text += '\n';
  return output.write(context, as_bytes(text), 0644);
}

// A member that goes into a file is looked for before the server is asked.
Result<OutputFile> output_of(Context& context, const RestCall& rest, const Values& values) {
  const bool binary = !rest.file_member.empty();
  return OutputFile::prepare(context, values, binary ? OutputContent::kBinary : OutputContent::kText);
}

bool takes(const Command& command, std::string_view name) {
  return std::any_of(command.arguments.begin(), command.arguments.end(),
                     [&](const ArgumentSpec& argument) { return argument.name == name; });
}

}  // namespace

Result<PreparedCall> prepare_call(Context& context, const Command& command, const Values& values) {
  const RestCall& rest = std::get<RestCall>(command.does);
  PreparedCall call{std::string(rest.method), std::string(rest.path), {}};
  RequestBody body;
  for (const ArgumentSpec& argument : command.arguments) {
    if (argument.field.empty() || TRY(put_into_path(call.target, argument, values))) continue;
    if (rest.method != "GET") {
      TRY(add_to_body(context, argument, values, body));
    } else if (values.has(argument.key())) {
      if (argument.kind == ArgumentKind::kInteger)
        (void)TRY(integer_of(argument, values.text(argument.key())));
      add_to_query(call.target, argument.field, values.text(argument.key()));
    }
  }
  for (const auto& [name, value] : rest.constants) body.add_flag(name, value);
  call.body = body.take();
  return call;
}

Status judge_lines(ByteView body) {
  const auto count = TRY(count_done(body));
  if (count.not_done == 0) return {};
  const auto all = std::to_string(count.done + count.not_done);
  if (count.done == 0)
    return fail(ErrorCode::kConflict, "nothing was done with any of the " + all + " named");
  auto error = fail(ErrorCode::kConflict,
                    "not done with " + std::to_string(count.not_done) + " of the " + all + " named")
                   .error();
  error.detail = kPartlyDone;
  return std::unexpected(std::move(error));
}

void print_asked(Context& context, const Error& error, ByteView asked) {
  if (context.globals.json && error.detail == kApprovalAwaited) *context.out << as_text(asked) << '\n';
}

Status run_rest_command(Context& context, const Command& command, const Values& values) {
  const RestCall& rest = std::get<RestCall>(command.does);
  const std::uint64_t most = TRY(most_of(values));
  const auto output = TRY(output_of(context, rest, values));
  PreparedCall call = TRY(prepare_call(context, command, values));
  if (!context.globals.site.empty() && context.globals.server.empty()) context.globals.server = rest.server;
  const auto kind = rest.server == kEngineServer ? ServerKind::kEngine : ServerKind::kKeyServer;
  auto connection = TRY(connect(context, rest.either ? std::nullopt : std::optional(kind)));
  Status status;
  if (!rest.columns.empty() && rest.method == "GET") {
    status = run_list(context, connection.client, rest, call, most, takes(command, kMost));
  } else {
    const auto body = connection.client.call(call.method, call.target, call.body, context.globals.approval);
    status =
        body ? print_answer(context, rest, values, output, *body) : Status(std::unexpected(body.error()));
  }
  if (!status) print_asked(context, status.error(), connection.client.asked());
  crypto::wipe(call.body);
  end_session(connection);
  return status;
}

}  // namespace tapewarden::cli
