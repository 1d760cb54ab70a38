// Login and Logout, for a client that must give a password besides its certificate.
#include <gtest/gtest.h>

#include "kmip_rules.h"

namespace tapewarden::conformance {
namespace {

class KmipLogin : public KmipRules {
 protected:
  void SetUp() override { server_.require_password("a long passphrase"); }

  static std::string by_password(std::string_view password = "a long passphrase") {
    return structure(
        "Authentication",
        structure("Credential",
                  enumeration("CredentialType", "UsernameAndPassword") +
                      structure("CredentialValue", text("Username", "robot") + text("Password", password))));
  }
  static std::string by_ticket(std::string_view ticket) {
    return structure("Authentication", structure("Credential", enumeration("CredentialType", "Ticket") +
                                                                   structure("CredentialValue", ticket)));
  }
  // The Ticket, as the answer has it.
  std::string log_in(std::string_view terms = {}) {
    const auto answer = ask({item("Login", terms)}, by_password());
    EXPECT_EQ(answer.outcome(), "Success") << answer.text();
    return answer.xml("Ticket");
  }
  std::string outcome_with(std::string_view ticket) {
    return ask({item("Ping", "")}, by_ticket(ticket)).outcome();
  }
  Answer ask_with(std::string_view ticket, const std::string& one) { return ask({one}, by_ticket(ticket)); }
};

TEST_F(KmipLogin, K21_ATicketStandsForThePasswordUntilLogout) {
  EXPECT_EQ(ask(item("Ping", "")).outcome(), "AuthenticationNotSuccessful");
  const auto ticket = log_in();
  EXPECT_EQ(outcome_with(ticket), "Success");
  const auto made = ask_with(ticket, create_item(128, "Encrypt"));
  EXPECT_EQ(made.outcome(), "Success") << made.text();
  EXPECT_EQ(ask_with(ticket, item("Logout", ticket)).outcome(), "Success");
  EXPECT_EQ(outcome_with(ticket), "InvalidTicket");
  EXPECT_EQ(ask({item("Logout", ticket)}, by_password()).outcome(), "InvalidTicket") << "it is over already";
  EXPECT_EQ(ask({item("Ping", "")}, by_password()).outcome(), "Success");
}

TEST_F(KmipLogin, K21_ATicketEndsWithItsTimeAndItsRequests) {
  const auto short_one = log_in(field("LeaseTime", "Interval", "60"));
  const auto few = log_in(number("RequestCount", 2));
  EXPECT_EQ(outcome_with(few), "Success");
  EXPECT_EQ(outcome_with(few), "Success");
  EXPECT_EQ(outcome_with(few), "InvalidTicket");
  EXPECT_EQ(outcome_with(short_one), "Success");
  server_.server().clock.advance(std::chrono::seconds(61));
  EXPECT_EQ(outcome_with(short_one), "InvalidTicket");
  for (const auto& bad :
       {field("LeaseTime", "Interval", "0"), field("LeaseTime", "Interval", "86401"),
        field("LeaseTime", "DateTime", "2001-01-01T00:00:00+00:00"), number("RequestCount", 0)}) {
    EXPECT_EQ(ask({item("Login", bad)}, by_password()).outcome(), "InvalidField") << bad;
  }
  const auto limits = structure("UsageLimits", field("UsageLimitsTotal", "LongInteger", "1") +
                                                   enumeration("UsageLimitsUnit", "Object"));
  EXPECT_EQ(ask({item("Login", limits)}, by_password()).outcome(), "FeatureNotSupported");
}

TEST_F(KmipLogin, K21_ATicketGivesNothingThatTheCertificateDoesNot) {
  const auto ticket = log_in();
  EXPECT_EQ(ask_with(ticket, item("Login", "")).outcome(), "PermissionDenied") << "no ticket from a ticket";
  // Another client's certificate.
  EXPECT_TRUE(server_.server().write([&](store::Transaction& transaction) -> Status {
    keymgr::KmipClient other;
    other.name = "other";
    other.fingerprint = Hash256{8};
    TRY(keymgr::KmipClients(server_.server().manager().context())
            .add(transaction, keymgr::testing::officer(), other));
    return {};
  }));
  server_.show_certificate(Hash256{8});
  EXPECT_EQ(outcome_with(ticket), "InvalidTicket") << "though it needs no password";
  server_.show_certificate(Hash256{9});
  EXPECT_EQ(outcome_with(ticket), "AuthenticationNotSuccessful") << "an unregistered one";
  server_.show_certificate(Hash256{7});
  EXPECT_EQ(outcome_with(ticket), "Success");
  // Registered anew, with another password.
  server_.server().clock.advance(std::chrono::seconds(1));
  server_.require_password("another passphrase");
  EXPECT_EQ(outcome_with(ticket), "InvalidTicket");
}

TEST_F(KmipLogin, K21_WhatIsNoTicketIsRefused) {
  const auto made_up =
      structure("Ticket", enumeration("TicketType", "Login") + bytes("TicketValue", std::string(64, 'a')));
  EXPECT_EQ(outcome_with(made_up), "InvalidTicket");
  EXPECT_EQ(outcome_with(structure("Ticket", "")), "InvalidTicket");
  EXPECT_EQ(outcome_with(""), "InvalidTicket");
  EXPECT_EQ(ask({item("Logout", "")}, by_password()).outcome(), "InvalidMessage");
  EXPECT_EQ(ask({item("Logout", made_up)}, by_password()).outcome(), "InvalidTicket");
  EXPECT_EQ(ask({item("DelegatedLogin", "")}, by_password()).outcome(), "OperationNotSupported");
  EXPECT_EQ(ask({item("Login", "")}, by_password(), 1, 4).outcome(), "OperationNotSupported");
}

TEST_F(KmipLogin, K21_ALoginThatWasUndoneGivesNoTicket) {
  const auto undone =
      ask({item("Login", ""), item("Get", named("00000000-0000-4000-8000-000000000000"), "02")},
          by_password() + enumeration("BatchErrorContinuationOption", "Undo"));
  EXPECT_FALSE(undone.has("TicketValue")) << undone.text();
  // A client has so many tickets; the one that ends first gives way.
  const auto first = log_in(field("LeaseTime", "Interval", "60"));
  for (int i = 0; i < 16; ++i) log_in();
  EXPECT_EQ(outcome_with(first), "InvalidTicket");
}

}  // namespace
}  // namespace tapewarden::conformance
