//! The families that have fields and no rules: groups, employments and financial records.

use crate::people::{
    Family, Field, FieldType, Kind,
    family::{Names, SHORT_PAGE},
};

/// Groups of persons.
pub static GROUPS: Family = Family {
    owner: None,
    ..Family::of_person(
        Kind::PeopleGroup,
        Names { path: "/people-groups", noun: "group", resource: "people_group" },
        &[Field::required("name", FieldType::Name), Field::required("description", FieldType::Text)],
    )
};

/// Where persons work.
pub static EMPLOYMENTS: Family = Family {
    counted: true,
    times_after: Some("seniority"),
    ..Family::of_person(
        Kind::Employment,
        Names { path: "/employments", noun: "employment", resource: "person_employment_data" },
        &[
            Field::required("person_id", FieldType::Id),
            Field::optional("current_occupation", FieldType::Text),
            Field::optional("position", FieldType::Text),
            Field::optional("industry", FieldType::Text),
            Field::optional("company_name", FieldType::Text),
            Field::optional("company_phone", FieldType::Phone),
            Field::optional("company_address", FieldType::Text),
            Field::optional("seniority", FieldType::Integer(0, 100)),
            Field::optional("employee_id", FieldType::Id),
            Field::optional("employee_type", FieldType::Text),
            Field::optional("employee_status", FieldType::Text),
            Field::optional("hiring_date", FieldType::Date),
            Field::optional("termination_date", FieldType::Date),
            Field::optional("payment_frequency", FieldType::Text),
            Field::optional("gross_salary", FieldType::Number),
            Field::optional("net_salary", FieldType::Number),
        ],
    )
};

/// What persons earn and spend.
pub static FINANCIALS: Family = Family {
    per_page: Some(SHORT_PAGE),
    ..Family::of_person(
        Kind::Financial,
        Names { path: "/financials", noun: "financial record", resource: "person_financial_data" },
        &[
            Field::required("person_id", FieldType::Id),
            Field::optional("monthly_income", FieldType::Number),
            Field::optional("monthly_expenses", FieldType::Number),
            Field::optional("dependents", FieldType::Integer(0, 100)),
            Field::optional("metadata", FieldType::Object),
        ],
    )
};
