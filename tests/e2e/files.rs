//! Files of rows as programs and people really write them (`tests/files/rows`).

use cotejo_tests::{Answer, World};
use serde_json::{Value, json};

use crate::jobs::{WORKBOOK, finish, import, import_uploaded, lines};
use crate::people::{juan, register};

macro_rules! written {
    ($($name:literal),* $(,)?) => { [$(($name, &include_bytes!(concat!("../files/rows/", $name))[..])),*] };
}

/// The numbers of rows by what became of them.
fn counts(job: &Value) -> [u64; 4] {
    ["created", "updated", "unchanged", "failed"].map(|count| job[count].as_u64().unwrap_or_else(|| panic!("{job}")))
}

/// What failed, as line, field and the first words of why.
fn failures(job: &Value) -> Vec<(u64, String, String)> {
    let failures = job["failures"].as_array().unwrap().iter();
    let of_row = failures.flat_map(|failure| {
        let row = failure["row"].as_u64().unwrap();
        failure["fields"].as_array().unwrap().iter().map(move |problem| {
            let text = |part: &str| problem[part].as_str().unwrap().to_owned();
            (row, text("field"), text("message").split(&[':', ','][..]).next().unwrap().to_owned())
        })
    });
    of_row.collect()
}

fn failed(row: u64, field: &str, message: &str) -> (u64, String, String) {
    (row, field.to_owned(), message.to_owned())
}

#[tokio::test]
async fn whatever_program_wrote_a_file_it_says_the_same() {
    let world = World::new().await;
    let files = written![
        "pandas_index.csv",
        "pandas_twice.csv",
        "pandas_semicolon.csv",
        "pandas_tab_utf16.csv",
        "pandas_openpyxl.xlsx",
        "pandas_xlsxwriter.xlsx",
        "openpyxl_quirks.xlsx",
        "openpyxl_1904.xlsx",
        "exceljs.xlsx",
        "libreoffice.csv",
        "libreoffice.xlsx",
        "sheetjs.csv",
        "sheetjs.xlsx",
    ];
    let mut before = [3, 0, 0, 0];
    for (name, file) in files {
        let job = finish(&world, &import(&world, file).await).await;
        assert_eq!(counts(&job), before, "{name}: {job}");
        before = [0, 0, 3, 0];
    }
    let person = async |id: &str| world.customer.get(&format!("/people/national-id/{id}")).await.result().clone();
    let first = person("XP-001").await;
    assert_eq!(
        ["name", "second_lastname", "birthdate", "nationality_id", "external_ref_id"].map(|field| first[field].clone()),
        [json!("María José"), json!("de la O"), json!("1988-02-12T00:00:00Z"), json!(144), json!("00042")]
    );
    let second = person("XP-002").await;
    assert_eq!((&second["name"], &second["first_lastname"]), (&json!("Ana, «Anita»"), &json!("Peña \"Güera\"")));
}

#[tokio::test]
async fn what_a_spreadsheet_hides_or_cannot_say_fails_its_row() {
    let world = World::new().await;
    let [(_, doubtful), (_, two_sheets), (_, old), (_, open)] =
        written!["openpyxl_doubtful.xlsx", "openpyxl_two_sheets.xlsx", "sheetjs_old.xls", "libreoffice.ods"];
    let job = finish(&world, &import(&world, doubtful).await).await;
    assert_eq!(counts(&job), [1, 0, 0, 5]);
    assert_eq!(
        failures(&job),
        [
            failed(2, "", "is hidden in the workbook"),
            failed(4, "name", "has a formula without a value"),
            failed(5, "name", "is an error of the spreadsheet"),
            failed(6, "external_ref_id", "has more than 15 digits"),
            failed(7, "", "has more cells than there are columns"),
        ]
    );
    let job = finish(&world, &import(&world, two_sheets).await).await;
    assert_eq!(job["error"], "The file has 2 sheets with a column national_id: leave one, or hide the others.");
    let job = finish(&world, &import(&world, open).await).await;
    assert_eq!(job["error"], "The file is not an XLSX workbook.");
    assert_eq!(import(&world, old).await.fields(), ["file"]);
    let job = finish(&world, &import_uploaded(&world, WORKBOOK, old).await).await;
    assert_eq!(job["error"], "The file is an XLS file or has a password: save it as XLSX without one.");
}

#[tokio::test]
async fn nothing_is_stored_in_another_column_than_its_own() {
    let world = World::new().await;
    for (file, failures) in [
        // A comma that should be within quotation marks.
        (
            "national_id,name,first_lastname,second_lastname\r\nBOXW310820HNERXN09,Ana, María,Muñoz,López\r\n",
            vec![failed(2, "", "has more cells than there are columns")],
        ),
        (
            "national_id,name,first_lastname,second_lastname,\nBOXW310820HNERXN09,Ana, María,Muñoz,López\n",
            vec![failed(2, "", "has more cells than there are columns")],
        ),
        (
            "national_id,name,,first_lastname,second_lastname\nBOXW310820HNERXN09,Ana,María,Muñoz,López\n",
            vec![failed(2, "", "has a value in a column without a name")],
        ),
        (
            ",national_id,name,first_lastname,second_lastname\nDra.,BOXW310820HNERXN09,María,Muñoz,López\n",
            vec![failed(2, "", "has a value in a column without a name")],
        ),
    ] {
        let job = finish(&world, &import(&world, file).await).await;
        assert_eq!((counts(&job)[0], self::failures(&job)), (0, failures), "{file}");
    }
    for (file, error) in [
        (
            "national_id,name,first_lastname\r\nP1,\"Ana,Muñoz\r\nP2,\"Luz\",Pérez\r\nP3,Eva,Mar\r\n",
            "The file has a misplaced quotation mark in line 2.",
        ),
        (
            "national_id,name,first_lastname\r\nP1,Ana,Paz\r\nP2,Ana,\"López\r\nP3,Luz,Pérez\r\n",
            "The file has a misplaced quotation mark in line 3.",
        ),
        (
            "national_id,name,first_lastname\nP1, \"Paz, Ana\",Ruiz\n",
            "The file has a misplaced quotation mark in line 2.",
        ),
        ("national_id,name,Name \n", "The file has two columns of the same name, number 2 and 3."),
        ("national_id,national_id,name\n", "The file has two columns of the same name, number 1 and 2."),
        ("national_id,nombre\n", "The file has a column, number 2, that is not a field of a person."),
        ("sep=|\nnational_id|name\n", "The file has cells that are not separated by commas, semicolons or tabs."),
    ] {
        let refused = import(&world, file).await;
        assert_eq!(refused.fields(), ["file"], "{file}");
        let job = finish(&world, &import_uploaded(&world, "text/csv", file).await).await;
        assert_eq!((&job["state"], &job["error"]), (&json!("failed"), &json!(error)));
    }
    world.catch_up();
    assert_eq!(world.customer.get("/people").await.result()["data"], json!([]));
}

#[tokio::test]
async fn what_excel_and_pandas_make_of_a_value_is_understood_or_refused() {
    let world = World::new().await;
    // Excel in Spanish: cells at the end are left out, or there are more of them; blank lines have their divisions.
    let excel = "\u{feff}sep=;\r\n;;\r\nNational_ID ;name;first_lastname;second_lastname;ignore_curp_validation;;\r\n\
                 X1;\"Ana\nMaría\" ;Paz;Ruiz;VERDADERO;;\r\n;;;;\r\nX2;Luz;Paz;Ruiz;verdadero\r\nX3;Eva;Paz;Ruiz;FALSO;;;;;\r\n";
    let job = finish(&world, &import(&world, excel).await).await;
    assert_eq!((counts(&job), failures(&job).remove(0).0), ([2, 0, 0, 1], 8), "{job}");
    let pandas = "national_id,name,first_lastname,second_lastname,nationality_id,state_id,ignore_curp_validation\n\
                  Y1,Ana,Paz,Ruiz,144.0,7.0,True\nY2,Luz,Paz,Ruiz,,,1.0\nY3,Eva,Paz,Ruiz,7.5,,1\n";
    let job = finish(&world, &import(&world, pandas).await).await;
    assert_eq!((counts(&job)[0], failures(&job).remove(0).1.as_str()), (2, "nationality_id"), "{job}");
    let person = world.customer.get("/people/national-id/Y1").await.result().clone();
    assert_eq!((&person["nationality_id"], &person["state_id"]), (&json!(144), &json!(7)));
    // What was lost cannot be known.
    let lost = "national_id,name,first_lastname,second_lastname,external_ref_id,ignore_curp_validation\n\
                Z1,Ana,Paz,Ruiz,1.23457E+15,1\nZ2,Ana,Paz,Ruiz,12345.0,1\nZ3,nan,Paz,Ruiz,,1\nZ4,Ana,#N/A,Ruiz,,1\n\
                9007199254740993,Ana,Paz,Ruiz,,1\n1E+15,Ana,Paz,Ruiz,,1\n";
    let job = finish(&world, &import(&world, lost).await).await;
    assert_eq!(
        failures(&job),
        [
            failed(2, "external_ref_id", "has more than 15 digits"),
            failed(3, "external_ref_id", "is a whole number with a decimal point"),
            failed(4, "name", "looks like a missing value"),
            failed(5, "first_lastname", "is an error of the spreadsheet"),
            failed(7, "national_id", "has more than 15 digits"),
        ]
    );
    // A text has all its digits.
    assert_eq!(world.customer.get("/people/national-id/9007199254740993").await.status, 200);
}

#[tokio::test]
async fn a_cell_that_says_null_takes_nothing_away() {
    let world = World::new().await;
    let mut person = juan();
    let fields = [("extra_data", json!({"a": 1})), ("marital_status_id", json!(1)), ("state_id", json!(7))];
    for (field, value) in fields.clone() {
        person[field] = value;
    }
    register(&world, &person).await;
    let id = person["national_id"].as_str().unwrap();
    for nothing in ["null", "NULL", "NaN", "null.0"] {
        let file = format!("national_id,extra_data,marital_status_id,state_id\n{id},null,{nothing},{nothing}\n");
        let job = finish(&world, &import(&world, file).await).await;
        let failures = failures(&job);
        let of: Vec<_> = failures.iter().map(|(_, field, _)| field.as_str()).collect();
        assert_eq!((counts(&job), of), ([0, 0, 0, 1], vec!["extra_data", "marital_status_id", "state_id"]), "{job}");
    }
    let kept = world.customer.get(&format!("/people/national-id/{id}")).await.result().clone();
    assert_eq!(fields.map(|(field, value)| kept[field] == value), [true; 3], "{kept}");
}

#[tokio::test]
async fn importing_an_export_changes_nobody() {
    let world = World::new().await;
    let odd = [
        ("PESJ880212HDFHLX01", " lead ", "1234.0", json!({"a": "  b  "})),
        ("BOXW310820HNERXN09", "nan", "1.5E+15", json!({"n": "a, \"b\"\r\nc"})),
    ];
    for (national_id, name, external, extra) in odd {
        let mut person = juan();
        for (field, value) in [("national_id", json!(national_id)), ("name", json!(name)), ("extra_data", extra)] {
            person[field] = value;
        }
        person["external_ref_id"] = json!(external);
        person["first_lastname"] = json!("Paz\ny Paz\t");
        person["second_lastname"] = json!("#N/A");
        person["birthdate"] = json!("1988-02-12");
        register(&world, &person).await;
    }
    let mut unchecked = juan();
    unchecked["national_id"] = json!("12345.0");
    unchecked["ignore_curp_validation"] = json!(true);
    register(&world, &unchecked).await;
    world.catch_up();
    let people = world.customer.get("/people").await.result()["data"].clone();
    let job = finish(&world, &world.customer.post("/people/export", &json!({})).await).await;
    let (_, export) = world.customer.open(job["url"].as_str().unwrap()).await;
    let job = finish(&world, &import(&world, export).await).await;
    assert_eq!(counts(&job), [0, 0, 3, 0], "{job}");
    world.catch_up();
    assert_eq!(world.customer.get("/people").await.result()["data"], people);
    assert_eq!(lines(&world, &job).await.len(), 4);
}

#[tokio::test]
async fn a_file_of_values_is_read_like_one_of_persons() {
    let world = World::new().await;
    let catalog = world.customer.post("/catalogs", &json!({"name": "Varios"})).await.id();
    let send = async |file: &[u8]| -> Answer {
        let parts = [("custom_catalog_id", catalog.as_bytes()), ("csv_file", file)];
        world.customer.post_form("/catalog-values/bulk", &parts).await
    };
    for (file, fields) in [
        ("type,label,value\nstring,Monterrey, N.L.,19\n", vec!["csv_file[2]"]),
        ("type,label,value,\nstring,a,b,c\n", vec!["csv_file[2]"]),
        ("type,label,value\nstring,\"a,b\nstring,\"c\",d\n", vec!["csv_file"]),
        ("type,label,value\nstring,a,\"b\n", vec!["csv_file"]),
        ("type,label,value,value\nstring,a,b,c\n", vec!["csv_file"]),
        (
            "type,label,value\nstring,#N/A,1.23457E+15\nboolean,a,yes\n",
            vec!["csv_file[2].label", "csv_file[2].value", "csv_file[3].value"],
        ),
        (
            "type,label,value\nstring,nan,12345.0\nstring,None,NULL\ninteger,7.0,null\n",
            vec![
                "csv_file[2].label",
                "csv_file[2].value",
                "csv_file[3].label",
                "csv_file[3].value",
                "csv_file[4].label",
                "csv_file[4].value",
            ],
        ),
    ] {
        assert_eq!(send(file.as_bytes()).await.fields(), fields, "{file}");
    }
    let pandas =
        "\u{feff};value;type;label\r\n0;VERDADERO;boolean;Sí\r\n1;7.0;integer;Siete\r\n;;;\r\n2;02;string;\"a;b\"\r\n";
    assert_eq!(send(pandas.as_bytes()).await.status, 201);
    world.catch_up();
    let list = world.customer.get(&format!("/catalog-values?custom_catalog_id={catalog}")).await.result().clone();
    let mut values: Vec<_> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| (each["label"].to_string(), each["value"].clone()))
        .collect();
    values.sort_by_key(|(label, _)| label.clone());
    let is = |label: &str, value: Value| (json!(label).to_string(), value);
    assert_eq!(values, [is("Siete", json!(7)), is("Sí", json!(true)), is("a;b", json!("02"))]);
}

#[tokio::test]
async fn a_field_that_is_given_twice_is_not_chosen_from() {
    let world = World::new().await;
    let send = async |path: &str, body: String| world.customer.post_text(path, body).await;
    let person = juan().to_string();
    let twice = person.replacen('{', r#"{"name":"Otro","#, 1);
    assert_eq!(send("/people", twice).await.fields(), ["name"]);
    let order = cotejo_tests::order("approved").to_string();
    let twice = order.replacen(r#""person":{"#, r#""person":{"name":"Otro","#, 1);
    assert_eq!(send("/processes", twice).await.fields(), ["person.name"]);
    world.catch_up();
    for list in ["/people", "/processes"] {
        assert_eq!(world.customer.get(list).await.result()["data"], json!([]));
    }
}
