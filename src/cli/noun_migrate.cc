#include <boost/json.hpp>

#include "base/base64.h"
#include "base/text.h"
#include "cli/migrate_kmip.h"
#include "cli/nouns.h"
#include "cli/properties_file.h"
#include "cli/request_body.h"
#include "cli/rest_client.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kKeystoreLimit = 16U << 20;  // what the server takes

std::string shown(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr) return "-";
  return escape_unprintable(value->is_string() ? std::string(value->get_string()) : json::serialize(*value));
}

// The file's bytes as base64, when it was given.
Status add_part(Context& context, const Values& values, std::string_view option, std::string_view field,
                RequestBody& body) {
  if (!values.has(option)) return {};
  const std::size_t limit = field == "keystore" ? kKeystoreLimit : kInputFileLimit;
  body.add_text(field, to_base64(TRY(read_file(*context.env.disk, values.text(option), limit))));
  return {};
}

Status add_properties(Context& context, const Values& values, RequestBody& body) {
  if (!values.has("--properties")) return {};
  Bytes text = TRY(read_file(*context.env.disk, values.text("--properties"), kInputFileLimit));
  const auto kept = without_passwords(text);
  crypto::wipe(text);
  body.add_text("properties", to_base64(kept.reveal()));
  return {};
}

Status add_passwords(Context& context, const Values& values, RequestBody& body) {
  if (values.has("--keystore")) {
    const bool filed = values.has("--password-file");
    body.add_secret("password", filed
                                    ? TRY(read_secret_file(*context.env.disk, values.text("--password-file")))
                                    : TRY(context.ask_secret("the keystore's password")));
  }
  if (values.has("--key-password-file")) {
    body.add_secret("key_password",
                    TRY(read_secret_file(*context.env.disk, values.text("--key-password-file"))));
  }
  return {};
}

Result<Bytes> body_of(Context& context, const Values& values) {
  RequestBody body;
  TRY(add_part(context, values, "--keystore", "keystore", body));
  TRY(add_part(context, values, "--key-groups", "key_groups", body));
  TRY(add_part(context, values, "--drive-table", "drive_table", body));
  TRY(add_part(context, values, "--metadata", "metadata", body));
  TRY(add_properties(context, values, body));
  body.add_flag("dry_run", values.has("--dry-run"));
  TRY(add_passwords(context, values, body));
  return body.take();
}

// What came as it was is only counted, unless all is asked for.
void print_lines(Context& context, const json::object& report, bool all) {
  const auto* lines = report.if_contains("lines");
  if (lines == nullptr || !lines->is_array()) return;
  for (const auto& value : lines->get_array()) {
    const auto* line = value.if_object();
    if (line == nullptr) continue;
    const std::string outcome = shown(*line, "outcome");
    if (!all && (outcome == "added" || outcome == "same")) continue;
    const std::string remark = shown(*line, "remark");
    *context.out << shown(*line, "part") << "  " << shown(*line, "name") << "  " << outcome
                 << (remark.empty() ? "" : ": ") << remark << '\n';
  }
}

void print_counts(Context& context, const json::object& report, bool dry_run) {
  *context.out << (dry_run ? "would come: " : "came: ") << shown(report, "added")
               << ", here already: " << shown(report, "same")
               << ", kept beside another: " << shown(report, "kept_both")
               << ", left out: " << shown(report, "left_out") << '\n';
}

Status migrate_ekm(Context& context, const Values& values) {
  Bytes body = TRY(body_of(context, values));
  auto connection = connect(context);
  if (!connection) {
    crypto::wipe(body);
    return std::unexpected(connection.error());
  }
  const auto answer = connection->client.call("POST", "/v1/migrations/ekm", body, context.globals.approval);
  crypto::wipe(body);
  end_session(*connection);
  if (!answer) return std::unexpected(answer.error());
  if (context.globals.json) {
    *context.out << as_text(*answer) << '\n';
    return {};
  }
  json::error_code error;
  const auto report = json::parse(as_text(*answer), error);
  if (error || !report.is_object())
    return fail(ErrorCode::kInternal, "the server's answer was not understood", "server",
                "check that server and command line are of the same version");
  print_lines(context, report.get_object(), values.has("--all"));
  print_counts(context, report.get_object(), values.has("--dry-run"));
  return {};
}

}  // namespace

std::vector<Command> migrate_commands() {
  const auto file = [](std::string_view name, std::string_view meaning) {
    return ArgumentSpec{.name = name, .meaning = meaning};
  };
  return {
      {.noun = "migrate",
       .verb = "ekm",
       .summary = "Take over an old Encryption Key Manager: its keystore, groups, drives, settings, ledger",
       .example = "tapewarden migrate ekm --keystore EKMKeys.jck --key-groups KeyGroups.xml --properties "
                  "KeyManagerConfig.properties --dry-run",
       .arguments =
           {file("--keystore", "its JCEKS keystore, or a PKCS#12 file"),
            {.name = "--password", .kind = ArgumentKind::kSecret, .meaning = "the keystore's password"},
            {.name = "--key-password",
             .kind = ArgumentKind::kSecret,
             .meaning = "the password of the keys in it that have another; each is tried with both"},
            file("--properties", "its properties file; passwords in it are not sent"),
            file("--key-groups", "its KeyGroups.xml"),
            file("--drive-table", "what its listdrives prints"),
            file("--metadata", "its metadata file"),
            {.name = "--dry-run",
             .kind = ArgumentKind::kFlag,
             .meaning = "only tell what would come; nothing is changed"},
            {.name = "--all", .kind = ArgumentKind::kFlag, .meaning = "tell of what came as it was, too"}},
       .does = Action(migrate_ekm)},
      migrate_kmip_command()};
}

}  // namespace tapewarden::cli
