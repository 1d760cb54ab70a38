// Sharing keys with another site: partners, and the files that carry keys.
#include <boost/json.hpp>
#include <iostream>

#include "base/base64.h"
#include "base/counted.h"
#include "base/text.h"
#include "cli/nouns.h"
#include "cli/output_file.h"
#include "cli/rest_command.h"
#include "cli/server_session.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view kPipe = "-";
constexpr std::size_t kCertificateFileLimit = 128U << 10;
constexpr std::size_t kKeyFileLimit = 32U << 20;
constexpr std::size_t kWholeLimit = 1U << 20;  // a larger file goes in parts
constexpr std::size_t kPartBytes = 2U << 20;

std::string shown(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr) return "-";
  return escape_unprintable(value->is_string() ? std::string(value->get_string()) : json::serialize(*value));
}

std::int64_t number_in(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  json::error_code error;
  const auto number = value == nullptr ? 0 : value->to_number<std::int64_t>(error);
  return error ? 0 : number;
}
std::string counted_in(const json::object& object, std::string_view name, std::string_view noun) {
  return counted(number_in(object, name), noun);
}

Result<std::string> text_in(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value != nullptr && value->is_string()) return std::string(value->get_string());
  return fail(ErrorCode::kInternal, "the server's answer lacks " + std::string(name), "server",
              "check that server and command line are of the same version");
}

// A file, or standard input for "-".
Result<Bytes> read_input(Context& context, const std::string& path, std::size_t limit) {
  if (path != kPipe) return read_file(*context.env.disk, path, limit);
  Bytes out;
  std::array<char, 1U << 16> buffer{};
  while (std::cin) {
    std::cin.read(buffer.data(), buffer.size());
    const auto got = as_bytes(std::string_view(buffer.data(), static_cast<std::size_t>(std::cin.gcount())));
    if (got.size() > limit - out.size()) {
      return fail(ErrorCode::kInvalidArgument, "standard input holds too much", "FILE");
    }
    out.insert(out.end(), got.begin(), got.end());
  }
  return out;
}

void print_warnings(std::ostream& out, const json::object& report) {
  const auto* warnings = report.if_contains("warnings");
  if (warnings == nullptr || !warnings->is_array()) return;
  for (const auto& warning : warnings->get_array()) {
    if (warning.is_string())
      out << "warning: " << escape_unprintable(std::string(warning.get_string())) << '\n';
  }
}

Status own_certificate(Context& context, const Values& values) {
  const auto output = TRY(OutputFile::prepare(context, values, OutputContent::kText));
  auto server = TRY(ServerSession::open(context));
  json::object body{{"renew", values.has("--renew")}, {"new_identity", values.has("--new-identity")}};
  if (values.has("--name")) body["name"] = values.text("--name");
  const auto answer = TRY(server.post("/v1/partners/certificate", body));
  if (context.globals.json) {
    *context.out << json::serialize(answer) << '\n';
    return {};
  }
  TRY(output.write(context, as_bytes(TRY(text_in(answer, "certificate"))), 0644));
  *context.err
      << "fingerprint: " << shown(answer, "fingerprint") << '\n'
      << (values.has("--renew")
              ? "Send the certificate to the partners: they know the identity, so nobody need call.\n"
              : "Send the certificate to the partner, and read the fingerprint out over the "
                "telephone.\n");
  return {};
}

Status import_partner(Context& context, const Values& values) {
  const auto text = TRY(read_input(context, values.text("FILE"), kCertificateFileLimit));
  auto server = TRY(ServerSession::open(context));
  const auto partner = TRY(server.post(
      "/v1/partners",
      {{"name", values.text("NAME")}, {"certificate", as_text(text)}, {"replace", values.has("--replace")}}));
  if (context.globals.json) {
    *context.out << json::serialize(partner) << '\n';
    return {};
  }
  *context.out << "partner " << shown(partner, "name") << ", valid until " << shown(partner, "not_after")
               << '\n';
  print_warnings(*context.out, partner);
  if (!shown(partner, "confirmed").empty()) {
    *context.out << "its identity is the confirmed one: nothing more is to be done\n";
    return {};
  }
  // The digits are not shown: whoever confirms must have heard them.
  *context.out
      << "not confirmed yet: call the partner on a number that you know, have the fingerprint read out, "
         "and type it:\n  tapewarden partner confirm "
      << shown(partner, "name") << " --fingerprint \"...\"\n";
  return {};
}

// What was given and no more: the second person reads it.
json::object order_of(const Values& values) {
  static constexpr std::pair<std::string_view, std::string_view> kLists[] = {
      {"--volume", "volumes"}, {"--alias", "aliases"}, {"--range", "ranges"}, {"--group", "groups"}};
  json::object order{{"partner", values.text("--to")}};
  for (const auto& [option, field] : kLists) {
    if (!values.has(option)) continue;
    json::array list;
    for (const auto& text : values.list(option)) list.emplace_back(text);
    order[field] = std::move(list);
  }
  if (values.has("--since")) order["since"] = values.text("--since");
  if (values.has("--until")) order["until"] = values.text("--until");
  if (values.has("--unused")) order["unused"] = true;
  return order;
}

Status export_keys(Context& context, const Values& values) {
  const auto output = TRY(OutputFile::prepare(context, values, OutputContent::kBinary));
  auto server = TRY(ServerSession::open(context));
  auto answered = server.post("/v1/keys/export", order_of(values), context.globals.approval);
  if (!answered) print_asked(context, answered.error(), server.asked());
  auto answer = TRY(std::move(answered));
  const Bytes file = TRY(from_base64(TRY(text_in(answer, "file")), "file"));
  TRY(output.write(context, file, 0600));
  answer.erase("file");
  if (context.globals.json) {
    *context.err << json::serialize(answer) << '\n';
    return {};
  }
  print_warnings(*context.err, answer);
  *context.err << counted_in(answer, "keys", "key") << " for " << shown(answer, "partner") << " ("
               << shown(answer, "partner_fingerprint") << "), signed by this site ("
               << shown(answer, "own_fingerprint") << ")\n";
  return {};
}

Result<std::string> send_in_parts(Context& context, ServerSession& server, ByteView file) {
  const auto begun = TRY(server.post("/v1/uploads", {{"size", file.size()}}));
  const std::string id = TRY(text_in(begun, "upload"));
  for (std::size_t at = 0; at < file.size();) {
    const auto part = file.subspan(at, std::min(kPartBytes, file.size() - at));
    (void)TRY(server.put("/v1/uploads/" + id, {{"offset", at}, {"part", to_base64(part)}}));
    at += part.size();
    if (context.progress) context.progress(at, file.size());
  }
  return id;
}

void print_import(std::ostream& out, const json::object& report, bool dry_run) {
  if (const auto* lines = report.if_contains("lines"); lines != nullptr && lines->is_array()) {
    for (const auto& value : lines->get_array()) {
      if (const auto* line = value.if_object()) {
        out << shown(*line, "alias") << "  " << shown(*line, "outcome") << ": " << shown(*line, "remark")
            << '\n';
      }
    }
  }
  print_warnings(out, report);
  out << "from " << shown(report, "partner") << " (" << shown(report, "fingerprint") << "), made "
      << shown(report, "made") << ", " << counted_in(report, "keys", "key") << "\n"
      << (dry_run ? "would be added: " : "added: ") << shown(report, "added")
      << ", unchanged: " << shown(report, "unchanged") << ", kept both: " << shown(report, "kept_both")
      << ", state merged: " << shown(report, "state_merged") << ", refused: " << shown(report, "refused")
      << '\n';
}

Status import_keys(Context& context, const Values& values) {
  const auto file = TRY(read_input(context, values.text("FILE"), kKeyFileLimit));
  const bool dry_run = values.has("--dry-run");
  auto server = TRY(ServerSession::open(context));
  json::object body{{"dry_run", dry_run}};
  if (file.size() <= kWholeLimit) {
    body["file"] = to_base64(file);
  } else {
    body["upload"] = TRY(send_in_parts(context, server, file));
  }
  const auto report = TRY(server.post("/v1/keys/import", body));
  if (context.globals.json) {
    *context.out << json::serialize(report) << '\n';
  } else {
    print_import(*context.out, report, dry_run);
  }
  std::int64_t came = 0;
  for (const char* name : {"added", "unchanged", "kept_both", "state_merged"})
    came += number_in(report, name);
  if (came > 0 || number_in(report, "refused") == 0) return {};
  return fail(ErrorCode::kConflict,
              std::string(dry_run ? "no key would come" : "no key came") + ": " +
                  std::to_string(number_in(report, "refused")) + " refused",
              "FILE", "the report says why, key by key");
}

const ArgumentSpec kPartner{
    .name = "PARTNER", .required = true, .field = "partner", .meaning = "the partner's name"};
const ArgumentSpec kOutput{.name = "--output", .meaning = "a file instead of standard output"};

std::vector<Command> partner_commands_proper() {
  return {
      {.noun = "partner",
       .verb = "certificate",
       .summary = "Write this site's encryption certificate, which a partner needs to send keys",
       .example = "tapewarden partner certificate --output our-site.pem",
       .arguments = {kOutput,
                     {.name = "--name",
                      .meaning = "the site's name in it, for people; given when it is made"},
                     {.name = "--renew", .kind = ArgumentKind::kFlag, .meaning = "make a new one"},
                     {.name = "--new-identity",
                      .kind = ArgumentKind::kFlag,
                      .meaning = "and a new identity: partners must confirm it anew"}},
       .does = own_certificate},
      {.noun = "partner",
       .verb = "import",
       .summary = "Import a partner's encryption certificate, from a file or from a pipe (-)",
       .example = "tapewarden partner import VIENNA vienna.pem",
       .arguments = {{.name = "NAME", .required = true, .meaning = "what the partner is called here"},
                     {.name = "FILE", .required = true, .meaning = "the certificate, PEM"},
                     {.name = "--replace",
                      .kind = ArgumentKind::kFlag,
                      .meaning = "take another identity in place of the one here"}},
       .does = import_partner},
      {.noun = "partner",
       .verb = "confirm",
       .summary = "Confirm a partner's fingerprint, typed as it was read out over the telephone",
       .example =
           "tapewarden partner confirm VIENNA --fingerprint \"3f2a 9c1e 77b0 0d41 5a6b 8812 c9fe 30d7\" "
           "--read-by \"Anna Huber, +43 1 5550100\"",
       .arguments = {kPartner,
                     {.name = "--fingerprint",
                      .required = true,
                      .field = "fingerprint",
                      .meaning = "the eight groups of four digits"},
                     {.name = "--read-by", .field = "read_by", .meaning = "who read it out"}},
       .does = RestCall{.method = "POST", .path = "/v1/partners/{partner}/confirm"}},
      {.noun = "partner",
       .verb = "list",
       .summary = "List the partners",
       .example = "tapewarden partner list",
       .does =
           RestCall{.method = "GET",
                    .path = "/v1/partners",
                    .columns = {"name", "fingerprint", "confirmed", "confirmed_by", "not_after", "remark"}}},
      {.noun = "partner",
       .verb = "show",
       .summary = "Show a partner",
       .example = "tapewarden partner show VIENNA",
       .arguments = {kPartner},
       .does = RestCall{.method = "GET", .path = "/v1/partners/{partner}"}},
      {.noun = "partner",
       .verb = "remove",
       .summary = "Forget a partner; what was exchanged stays recorded",
       .example = "tapewarden partner remove VIENNA",
       .arguments = {kPartner},
       .does = RestCall{.method = "DELETE", .path = "/v1/partners/{partner}"}},
      {.noun = "partner",
       .verb = "transfers",
       .summary = "List what went to partners and what came from them",
       .example = "tapewarden partner transfers",
       .does = RestCall{.method = "GET",
                        .path = "/v1/key-transfers",
                        .columns = {"began", "direction", "partner", "keys", "by", "approved_by", "file",
                                    "remark"}}},
  };
}

}  // namespace

std::vector<Command> partner_commands() {
  auto commands = partner_commands_proper();
  commands.push_back(
      {.noun = "key",
       .verb = "export",
       .summary =
           "Export chosen keys for a confirmed partner, sealed to his certificate and signed; two people",
       .example =
           "tapewarden key export --to VIENNA --volume TW0101L9 --volume TW0102L9 --output vienna.keys",
       .arguments = {{.name = "--to", .required = true, .meaning = "the partner"},
                     {.name = "--volume", .kind = ArgumentKind::kList, .meaning = "keys of this cartridge"},
                     {.name = "--alias", .kind = ArgumentKind::kList, .meaning = "this key"},
                     {.name = "--range",
                      .kind = ArgumentKind::kList,
                      .meaning = "keys such as ABC000000000000000001-0F"},
                     {.name = "--group",
                      .kind = ArgumentKind::kList,
                      .meaning = "keys of this group that began a cartridge"},
                     {.name = "--since", .meaning = "only keys that began a cartridge on this day or later"},
                     {.name = "--until", .meaning = "and before this day"},
                     {.name = "--unused",
                      .kind = ArgumentKind::kFlag,
                      .meaning = "of groups, keys that began no cartridge yet, too"},
                     kOutput},
       .does = export_keys});
  commands.push_back(
      {.noun = "key",
       .verb = "import",
       .summary = "Import the keys that a confirmed partner exported, from a file or a pipe (-)",
       .example = "tapewarden key import from-munich.keys",
       .arguments = {{.name = "FILE", .required = true, .meaning = "the partner's file"},
                     {.name = "--dry-run",
                      .kind = ArgumentKind::kFlag,
                      .meaning = "only tell what would come; nothing is changed"}},
       .does = import_keys});
  commands.push_back({.noun = "key",
                      .verb = "transfers",
                      .summary = "Tell from which partner a key came and which partners were given it",
                      .example = "tapewarden key transfers ABC000000000000000001",
                      .arguments = {{.name = "ALIAS",
                                     .required = true,
                                     .field = "alias",
                                     .meaning = "the key; ALIAS#FINGERPRINT where an alias means several"}},
                      .does = RestCall{.method = "GET",
                                       .path = "/v1/keys/{alias}/transfers",
                                       .columns = {"began", "direction", "partner", "fingerprint", "file"}}});
  return commands;
}

}  // namespace tapewarden::cli
