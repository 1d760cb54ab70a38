#include "base/counted.h"
#include "base/text.h"
#include "cli/cartridge_actions.h"
#include "cli/report.h"
#include "cli/server_session.h"
#include "eedk/data_key_identifier.h"
#include "tape/medium/erase.h"
#include "tape/medium/inspect.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;

constexpr unsigned kCertificatePermissions = 0644;

struct Plan {
  std::string path;
  bool cryptographic = false;
  std::string certificate;  // where it goes; empty: none is wanted
  tape::Inspection before;
  std::string dki;  // in hex; empty: none stands on it
};

Result<Plan> plan_of(Context& context, const Values& values) {
  if (!values.has("--yes")) {
    return fail(ErrorCode::kInvalidArgument, "erasing cannot be undone", "--yes", "say --yes to go on");
  }
  const std::string method = to_lower(values.text("--method"));
  if (method != "overwrite" && method != "cryptographic") {
    return fail(ErrorCode::kInvalidArgument, "this is no way of erasing", "--method",
                "use overwrite or cryptographic");
  }
  Plan plan{values.text("FILE"), method == "cryptographic", values.text("--certificate"), {}, {}};
  plan.before = TRY(tape::inspect(context.env, plan.path));
  // In the key areas, or in the session headers when those were emptied before.
  Bytes akad = plan.before.key_info.info.akad;
  for (const auto& session : plan.before.all_sessions()) {
    if (akad.empty()) akad = session.akad;
  }
  if (akad.size() == eedk::kDataKeyIdentifierBytes) plan.dki = to_hex(akad);
  return plan;
}

bool holds_keys(const tape::Inspection& before) {
  for (const auto& session : before.all_sessions()) {
    if (session.encrypted) return true;
  }
  return !before.key_info.info.empty() || before.key_info.all_lost;
}

// Opens a connection when a key server has a say in it. Nothing when --without-server was said.
Result<std::optional<ServerSession>> server_for(Context& context, const Values& values, const Plan& plan) {
  const bool wanted = (plan.cryptographic && holds_keys(plan.before)) || !plan.certificate.empty();
  if (!wanted) return std::optional<ServerSession>();
  if (values.has("--without-server")) {
    if (plan.certificate.empty()) return std::optional<ServerSession>();
    return fail(ErrorCode::kInvalidArgument, "the certificate is signed by the key server",
                "--without-server", "leave out --without-server or --certificate");
  }
  auto session = ServerSession::open(context);
  if (session) return std::optional<ServerSession>(std::move(*session));
  auto error = session.error();
  error.message = "the key server cannot be asked which other cartridges the key seals: " + error.message;
  error.remedy += std::string(error.remedy.empty() ? "" : "; ") + "or say --without-server";
  return std::unexpected(error);
}

// Shows the other cartridges of the key, and goes on only when that was foreseen.
Status look_for_others(Context& context, const Values& values, const Plan& plan, ServerSession& server) {
  const auto& current = plan.before.current;
  std::string target = "/v1/ledger/same-key?volser=" + current.volser + "&volume=" + current.volume.text();
  if (!plan.dki.empty()) target += "&dki=" + plan.dki;
  const auto others = TRY(server.list(target));
  if (others.empty()) {
    *context.err << "the ledger knows no other cartridge of this key\n";
    return {};
  }
  *context.err << "the same key also seals " << counted(others.size(), "other cartridge") << ":\n";
  for (const auto& other : others) {
    const auto shown = [&](std::string_view name) {
      const auto* value = other.get_object().if_contains(name);
      return value != nullptr && value->is_string() ? escape_unprintable(value->get_string()) : std::string();
    };
    *context.err << "  " << shown("volser") << "  " << shown("volume") << "  " << shown("alias") << '\n';
  }
  if (values.has("--although-shared")) return {};
  return fail(ErrorCode::kConflict,
              "the key seals other cartridges, so it cannot be destroyed without losing them, and as long as "
              "it exists the records of this one can be read with it",
              "--although-shared", "overwrite the cartridge instead, or say --although-shared");
}

json::object report_for_server(const Plan& plan, const tape::EraseReport& report) {
  json::array keys;
  for (const auto& key : report.keys) keys.emplace_back(to_hex(key));
  return {{"volser", report.volser},
          {"volume", report.volume.text()},
          {"dki", plan.dki},
          {"method", tape::to_string(report.method)},
          {"began", format_utc(report.began).substr(0, 19) + "Z"},  // whole seconds are what REST takes
          {"ended", format_utc(report.ended).substr(0, 19) + "Z"},
          {"bytes_overwritten", report.bytes_overwritten},
          {"records_dropped", report.records_dropped},
          {"partitions", report.partitions},
          {"key_area_generation", plan.before.key_info.generation},
          {"key_check_values", std::move(keys)}};
}

Status write_certificate(Context& context, const Plan& plan, const tape::EraseReport& report,
                         ServerSession& server) {
  const auto answer = server.post("/v1/erasures", report_for_server(plan, report));
  if (!answer) return in_context("the cartridge is erased, but no certificate came", answer.error());
  const auto* text = answer->if_contains("certificate");
  if (text == nullptr || !text->is_string()) {
    return fail(ErrorCode::kInternal, "the cartridge is erased, but no certificate came", "certificate");
  }
  TRY(write_file_atomically(*context.env.disk, plan.certificate, as_bytes(text->get_string()),
                            kCertificatePermissions));
  *context.err << "certificate of erasure: " << plan.certificate << '\n';
  return {};
}

void tell(Context& context, const tape::EraseReport& report) {
  json::array keys;
  for (const auto& key : report.keys) keys.emplace_back(to_hex(key));
  print_report(context,
               {{"method", tape::to_string(report.method)},
                {"volser", report.volser},
                {"volume", report.volume.text()},
                {"began", format_utc(report.began)},
                {"ended", format_utc(report.ended)},
                {"bytes_overwritten", report.bytes_overwritten},
                {"partitions", report.partitions},
                {"keys", std::move(keys)},
                {"guarantees", report.guarantees},
                {"does_not_guarantee", report.does_not_guarantee}},
               "erased " + report.volser + "\nguaranteed:     " + std::string(report.guarantees) +
                   "\nnot guaranteed: " + std::string(report.does_not_guarantee));
}

}  // namespace

Status erase_cartridge(Context& context, const Values& values) {
  const Plan plan = TRY(plan_of(context, values));
  auto server = TRY(server_for(context, values, plan));
  if (plan.cryptographic && server) TRY(look_for_others(context, values, plan, *server));
  const auto report =
      TRY(plan.cryptographic ? tape::erase_cryptographic(context.env, plan.path)
                             : tape::erase_overwrite(context.env, plan.path, context.progress));
  tell(context, report);
  if (plan.certificate.empty()) return {};
  return write_certificate(context, plan, report, *server);
}

}  // namespace tapewarden::cli
