#include "cli/nouns.h"

namespace tapewarden::cli {
namespace {

const ArgumentSpec kKek{
    .name = "KEK", .required = true, .field = "kek", .meaning = "a label of it, or its hash"};
const ArgumentSpec kLabels{
    .name = "--label", .kind = ArgumentKind::kList, .field = "labels", .meaning = "a label that names it"};
const ArgumentSpec kOutput{.name = "--output", .meaning = "the file to write; standard output unless given"};
const ArgumentSpec kPem{.name = "FILE",
                        .kind = ArgumentKind::kTextFile,
                        .required = true,
                        .field = "certificate",
                        .meaning = "a certificate, PEM"};

std::vector<Command> transfer_commands() {
  return {
      {.noun = "kek",
       .verb = "import-certificate",
       .summary = "Import a certificate alone: such a KEK wraps, and cannot unwrap here",
       .example = "tapewarden kek import-certificate partner.crt --label PARTNER",
       .arguments = {kPem, kLabels},
       .does = RestCall{.method = "POST", .path = "/v1/keks/certificates"}},
      {.noun = "kek",
       .verb = "import",
       .summary = "Import a KEK from a PKCS#12 file",
       .example = "tapewarden kek import kek.p12 --label ARCHIVE-2026",
       .arguments = {{.name = "FILE",
                      .kind = ArgumentKind::kBinaryFile,
                      .required = true,
                      .field = "file",
                      .meaning = "the PKCS#12 file"},
                     {.name = "--passphrase",
                      .kind = ArgumentKind::kSecret,
                      .required = true,
                      .field = "passphrase",
                      .meaning = "the file's passphrase"},
                     kLabels},
       .does = RestCall{.method = "POST", .path = "/v1/keks/pkcs12"}},
      {.noun = "kek",
       .verb = "export",
       .summary = "Export a KEK with its private half as a PKCS#12 file",
       .example = "tapewarden kek export ARCHIVE-2026 --output kek.p12",
       .arguments = {kKek,
                     {.name = "--output", .required = true, .meaning = "the file to write"},
                     {.name = "--passphrase",
                      .kind = ArgumentKind::kSecret,
                      .required = true,
                      .field = "passphrase",
                      .meaning = "a passphrase for the file",
                      .ask_twice = true}},
       .does = RestCall{.method = "POST", .path = "/v1/keks/{kek}/export", .file_member = "file"}},
      {.noun = "kek",
       .verb = "certificate",
       .summary = "Write a KEK's certificate, for a partner who shall wrap to it",
       .example = "tapewarden kek certificate ARCHIVE-2026 --output archive.crt",
       .arguments = {kKek, kOutput},
       .does = RestCall{.method = "GET", .path = "/v1/keks/{kek}", .text_member = "certificate.pem"}},
      {.noun = "kek",
       .verb = "request",
       .summary = "Write a certificate request for an authority",
       .example = "tapewarden kek request ARCHIVE-2026 --output archive.csr",
       .arguments = {kKek, kOutput},
       .does = RestCall{.method = "GET", .path = "/v1/keks/{kek}/request", .text_member = "request"}},
      {.noun = "kek",
       .verb = "replace-certificate",
       .summary = "Put the authority's certificate in place of the self-signed one",
       .example = "tapewarden kek replace-certificate ARCHIVE-2026 archive.crt",
       .arguments = {kKek, kPem},
       .does = RestCall{.method = "PUT", .path = "/v1/keks/{kek}/certificate"}},
  };
}

std::vector<Command> proof_commands() {
  return {
      {.noun = "kek",
       .verb = "challenge",
       .summary = "Begin the proof that somebody elsewhere holds the private half",
       .example = "tapewarden kek challenge PARTNER",
       .arguments = {kKek},
       .does = RestCall{.method = "POST", .path = "/v1/keks/{kek}/challenge"}},
      {.noun = "kek",
       .verb = "prove",
       .summary = "End that proof with what the holder unwrapped, in hex",
       .example = "tapewarden kek prove PARTNER --challenge 2f1c0c9a-7d0e-4c66-9d5c-0a7b9be1f8aa "
                  "--answer-file answer.hex",
       .arguments = {kKek,
                     {.name = "--challenge",
                      .required = true,
                      .field = "challenge",
                      .meaning = "the challenge's number"},
                     {.name = "--answer",
                      .kind = ArgumentKind::kSecret,
                      .required = true,
                      .field = "answer",
                      .meaning = "the answer in hex"}},
       .does = RestCall{.method = "POST", .path = "/v1/keks/{kek}/proof"}},
  };
}

}  // namespace

std::vector<Command> kek_commands() {
  const ArgumentSpec label{.name = "LABEL", .required = true, .field = "label", .meaning = "the label"};
  std::vector<Command> commands{
      {.noun = "kek",
       .verb = "list",
       .summary = "List the KEKs",
       .example = "tapewarden kek list --state active",
       .arguments = {{.name = "--state", .field = "state", .meaning = "only KEKs in this state"},
                     {.name = "--most", .meaning = "at most so many"}},
       .does = RestCall{.method = "GET",
                        .path = "/v1/keks",
                        .columns = {"labels", "common_name", "state", "has_private", "not_after", "id"}}},
      {.noun = "kek",
       .verb = "show",
       .summary = "Show one KEK",
       .example = "tapewarden kek show ARCHIVE-2026",
       .arguments = {kKek},
       .does = RestCall{.method = "GET", .path = "/v1/keks/{kek}"}},
      {.noun = "kek",
       .verb = "create",
       .summary = "Generate a KEK with a self-signed certificate",
       .example = "tapewarden kek create \"Archive 2026\" --bits 4096 --label ARCHIVE-2026",
       .arguments =
           {{.name = "NAME", .required = true, .field = "common_name", .meaning = "the certificate's name"},
            {.name = "--bits",
             .kind = ArgumentKind::kInteger,
             .field = "bits",
             .meaning = "2048, 3072 (unless given) or 4096"},
            {.name = "--days",
             .kind = ArgumentKind::kInteger,
             .field = "valid_days",
             .meaning = "how long it is valid; 3650 unless given"},
            kLabels},
       .does = RestCall{.method = "POST", .path = "/v1/keks"}},
      {.noun = "kek",
       .verb = "add-label",
       .summary = "Give a KEK one more label",
       .example = "tapewarden kek add-label ARCHIVE-2026 ARCHIVE",
       .arguments = {kKek, label},
       .does = RestCall{.method = "POST", .path = "/v1/keks/{kek}/labels"}},
      {.noun = "kek",
       .verb = "remove-label",
       .summary = "Take a label away",
       .example = "tapewarden kek remove-label ARCHIVE-2026 ARCHIVE",
       .arguments = {kKek, label},
       .does = RestCall{.method = "DELETE", .path = "/v1/keks/{kek}/labels/{label}"}},
      {.noun = "kek",
       .verb = "set-state",
       .summary = "Change a KEK's state",
       .example = "tapewarden kek set-state ARCHIVE-2016 deactivated",
       .arguments = {kKek,
                     {.name = "STATE",
                      .required = true,
                      .field = "state",
                      .meaning = "active, deactivated or compromised"}},
       .does = RestCall{.method = "PUT", .path = "/v1/keks/{kek}/state"}},
  };
  for (auto* more : {transfer_commands, proof_commands}) {
    for (auto& command : more()) commands.push_back(std::move(command));
  }
  return commands;
}

}  // namespace tapewarden::cli
