// `migrate kmip`: what another KMIP server keeps for a client comes over to this one.
#include <boost/json.hpp>

#include "base/text.h"
#include "cli/context.h"
#include "cli/kmip_connection.h"
#include "cli/migrate_kmip.h"
#include "kmip/client/migration.h"

namespace tapewarden::cli {
namespace {

struct Tally {
  std::size_t taken = 0;
  std::size_t here = 0;
  std::size_t left = 0;
  boost::json::array items{};

  void add(const kmip::MigratedObject& object) {
    ++(object.outcome == kmip::MigrationOutcome::kTaken  ? taken
       : object.outcome == kmip::MigrationOutcome::kHere ? here
                                                         : left);
    items.push_back(boost::json::object{
        {"id", object.id}, {"outcome", kmip::to_string(object.outcome)}, {"remark", object.remark}});
  }
};

// What came as it was is only counted, unless all is asked for.
void print_line(Context& context, const kmip::MigratedObject& object, bool all) {
  if (context.globals.json || (!all && object.remark.empty())) return;
  *context.out << escape_unprintable(object.id) << "  " << kmip::to_string(object.outcome)
               << (object.remark.empty() ? "" : ": ") << escape_unprintable(object.remark) << '\n';
}

void print_tally(Context& context, Tally tally, bool dry_run) {
  if (context.globals.json) {
    *context.out << boost::json::serialize(boost::json::object{{"items", std::move(tally.items)},
                                                               {"taken", tally.taken},
                                                               {"here", tally.here},
                                                               {"left", tally.left}})
                 << '\n';
    return;
  }
  *context.out << (dry_run ? "would come: " : "came: ") << tally.taken << ", here already: " << tally.here
               << ", left out: " << tally.left << '\n';
}

// The same client at both ends, unless it has other files here.
KmipFiles files_here(const Values& values) {
  const auto or_else = [&](const char* name, const char* otherwise) {
    return values.text(values.has(name) ? name : otherwise);
  };
  return {or_else("--to-certificate", "--certificate"), or_else("--to-key", "--key"),
          or_else("--to-authorities", "--authorities")};
}

// Asked for, or from a file: never an argument, which others on the machine can read.
Result<kmip::Credential> credential_of(Context& context, const Values& values, const std::string& user,
                                       const std::string& password, std::string_view question) {
  kmip::Credential out;
  out.user = values.text(user);
  const std::string file = values.text(password + "-file");
  if (out.user.empty() && file.empty()) return out;
  if (out.user.empty()) {
    return fail(ErrorCode::kInvalidArgument, "a password is given without its user", user, "name the user");
  }
  out.password =
      file.empty() ? TRY(context.ask_secret(question)) : TRY(read_secret_file(*context.env.disk, file));
  return out;
}

Status migrate_kmip(Context& context, const Values& values) {
  kmip::MigrationOrder order;
  order.source = values.text("HOST");
  order.dry_run = values.has("--dry-run");
  order.there = TRY(credential_of(context, values, "--user", "--password", "the password at the old server"));
  order.here =
      TRY(credential_of(context, values, "--to-user", "--to-password", "the password at this server"));
  net::Loop loop(1);
  auto old =
      TRY(connect_kmip(context, loop, {values.text("HOST"), values.text("--port")},
                       {values.text("--certificate"), values.text("--key"), values.text("--authorities")}));
  auto here =
      TRY(connect_kmip(context, loop, {values.text("--to"), values.text("--to-port")}, files_here(values)));
  Tally tally;
  const Status done = kmip::migrate_objects(
      [&](Bytes request) { return old.call(std::move(request), kKmipAnswerTime); },
      [&](Bytes request) { return here.call(std::move(request), kKmipAnswerTime); }, order,
      [&](const kmip::MigratedObject& object) {
        tally.add(object);
        print_line(context, object, values.has("--all"));
      });
  const bool whole = tally.left == 0;
  print_tally(context, std::move(tally), order.dry_run);
  TRY(done);
  if (whole) return {};
  return fail(ErrorCode::kConflict, "some objects were left out", {},
              "mend what is said of each, and begin again: what came is passed over");
}

}  // namespace

Command migrate_kmip_command() {
  return {
      .noun = "migrate",
      .verb = "kmip",
      .summary = "Take over what another KMIP server keeps for a client, with the client's own certificate",
      .example =
          "tapewarden migrate kmip old-keys.example.org --certificate library-1.crt --key library-1.key "
          "--authorities old-authority.crt --to keys-1.example.org --to-authorities authority.crt",
      .arguments =
          {{.name = "HOST", .required = true, .meaning = "the old server's name or address"},
           {.name = "--certificate", .required = true, .meaning = "PEM file: the client's"},
           {.name = "--key", .required = true, .meaning = "PEM file: its private key"},
           {.name = "--authorities", .required = true, .meaning = "PEM file: who vouches for the old server"},
           {.name = "--user", .meaning = "at the old server, where it asks for one besides the certificate"},
           {.name = "--password", .kind = ArgumentKind::kSecret, .meaning = "of that user"},
           {.name = "--to", .required = true, .meaning = "this key server's name or address"},
           {.name = "--to-authorities", .meaning = "PEM file: who vouches for this one; as --authorities"},
           {.name = "--to-certificate", .meaning = "the client's here; as --certificate"},
           {.name = "--to-key", .meaning = "its private key; as --key"},
           {.name = "--to-user", .meaning = "at this server, where the client was registered with one"},
           {.name = "--to-password", .kind = ArgumentKind::kSecret, .meaning = "of that user"},
           {.name = "--port", .meaning = "of the old server; 5696 unless given"},
           {.name = "--to-port", .meaning = "of this one; 5696 unless given"},
           {.name = "--dry-run",
            .kind = ArgumentKind::kFlag,
            .meaning = "change nothing, say what would come"},
           {.name = "--all", .kind = ArgumentKind::kFlag, .meaning = "a line for every object"}},
      .does = Action(migrate_kmip)};
}

}  // namespace tapewarden::cli
